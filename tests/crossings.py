"""Simulate a short scene of cameras along a road whose views overlap, as AI City's do: tracks, truth and looks."""

from pathlib import Path

import numpy as np

VIEWS_M = {"c001": (0, 70), "c002": (50, 120), "c003": (105, 175), "c004": (205, 275)}
"""Stretch of the road that each camera sees: three overlap, the last is a short way off."""
FRAME_RATE = 5.0
WIDE_PX, HIGH_PX = 960, 540


def write(folder: Path, seconds: int = 180, vehicles: int = 70, seed: int = 0, noise: float = 1.2) -> None:
    """Write what vehicles leave at four cameras, each of which sees them in a tint of its own.

    `gt.txt` (identities), `tracks.txt` (a number for each pass of a camera) and `looks.npz`. A dozen models of
    vehicle spread as 1, those of one model as 0.5, a pass and a picture each as `noise`.
    """
    random = np.random.default_rng(seed)
    truth, tracks, looks = [], [], []
    models = random.normal(0, 1, (12, 64))
    tilt = {camera: random.normal(0, 0.5, 64) for camera in VIEWS_M}
    passes = 0
    for vehicle in range(1, vehicles + 1):
        enters, speed, back = random.uniform(-20, seconds - 10), random.uniform(8, 15), random.random() < 0.5
        own, lane = models[random.integers(12)] + random.normal(0, 0.5, 64), 300 if back else 200
        for camera, (start, end) in VIEWS_M.items():
            first = enters + ((275 - end) if back else start) / speed
            frames = (
                np.arange(np.ceil(first * FRAME_RATE), (first + (end - start) / speed) * FRAME_RATE).astype(int) + 1
            )
            frames = frames[(frames >= 1) & (frames <= seconds * FRAME_RATE)]
            passes += len(frames) > 0
            pass_noise = random.normal(0, noise, 64)
            for frame in frames.tolist():
                along = ((frame - 1) / FRAME_RATE - first) * speed / (end - start)
                x = (1 - along if back else along) * (WIDE_PX - 90)
                box = f"{x:.1f} {lane} 90 60 -1 -1"
                truth.append(f"{int(camera[1:])} {vehicle} {frame} {box}")
                tracks.append(f"{int(camera[1:])} {passes} {frame} {box}")
                look = own + tilt[camera] + pass_noise + random.normal(0, noise, 64)
                looks.append((camera, frame, passes, look))
    (folder / "gt.txt").write_text("\n".join(truth))
    (folder / "tracks.txt").write_text("\n".join(tracks))
    names = ("camera", "frame", "id", "vector")
    np.savez(
        folder / "looks.npz",
        **{name: np.array(each) for name, each in zip(names, zip(*looks, strict=True), strict=True)},
    )
