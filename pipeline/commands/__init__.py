"""Hold the command line's subjects, a file each: making nights, keeping a lake, explaining, cameras and feeds, scoring."""
