"""Say where each public feed's fixture keeps what every feed has."""

from mutations import Family

POINT = ("geometry.type", "geometry.coordinates")
"""Fields of a GeoJSON feature's place."""
FAMILIES = (
    Family(
        "tfl_jamcams",
        rows="",
        fields=(
            "id", "commonName", "lat", "lon", "additionalProperties", "additionalProperties.1.key",
            "additionalProperties.0.value|available", "additionalProperties.1.value|imageUrl",
        ),
        lat="lat", lon="lon", text="commonName", id="id", own="09001.00001", numbered="09001.1{n:04}",
        image="additionalProperties.1.value",
    ),
    Family(
        "tfl_clips",
        rows="",
        fields=(
            "id", "commonName", "lat", "lon", "additionalProperties", "additionalProperties.2.key",
            "additionalProperties.0.value|available", "additionalProperties.2.value|videoUrl",
        ),
        lat="lat", lon="lon", text="commonName", id="id", own="09001.00001", numbered="09001.1{n:04}",
        image="additionalProperties.2.value",
    ),
    Family(
        "caltrans_cwwp2",
        rows="data",
        fields=(
            "cctv.index", "cctv.inService", "cctv.location.district", "cctv.location.locationName", "cctv.location.longitude",
            "cctv.location.latitude", "cctv.imageData.static.currentImageUpdateFrequency", "cctv.imageData.static.currentImageURL",
        ),
        lat="cctv.location.latitude", lon="cctv.location.longitude", text="cctv.location.locationName", id="cctv.index",
        own='"index": "1"', numbered='"index": "1{n:03}"', image="cctv.imageData.static.currentImageURL",
        words=("cctv.location.route", "cctv.location.direction", "cctv.imageData.imageDescription"),
    ),
    Family(
        "digitraffic_fi",
        rows="features",
        fields=(
            *POINT, "geometry", "properties.name", "properties.collectionStatus", "properties.presets", "properties.presets.0.id",
            "properties.presets.0.inCollection",
        ),
        lat="geometry.coordinates.1", lon="geometry.coordinates.0", text="properties.name", id="properties.presets.0.id",
        own="C99001", numbered="C9{n:04}",
    ),
    Family(
        "lta_sg",
        rows="items.0.cameras",
        fields=("camera_id", "image", "timestamp", "location", "location.latitude", "location.longitude"),
        lat="location.latitude", lon="location.longitude", text="timestamp", id="camera_id", own="9701", numbered="8{n:03}",
        image="image",
    ),
    Family(
        "hk_td",
        rows="image-list.image",
        fields=("key", "description", "latitude", "longitude"),
        lat="latitude", lon="longitude", text="description", id="key", own="X901F", numbered="X{n:03}G",
    ),
    Family(
        "nyc_dot",
        rows="",
        fields=("id", "name", "latitude", "longitude", "isOnline", "imageUrl"),
        lat="latitude", lon="longitude", text="name", id="id", own="00000001-", numbered="1{n:07}-", image="imageUrl",
    ),
    Family(
        "ibi511",
        rows="",
        fields=("Latitude", "Longitude", "Views", "Views.0.Id", "Views.0.Url", "Views.0.Status", "Views.0.Description"),
        lat="Latitude", lon="Longitude", text="Location", id="Views.0.Id", own="90", numbered="7{n:03}", image="Views.0.Url",
        words=("Roadway", "Direction"),
    ),
    Family(
        "ny511",
        rows="",
        fields=("ID", "Name", "Latitude", "Longitude", "Disabled", "Blocked", "Url"),
        lat="Latitude", lon="Longitude", text="Name", id="ID", own="10001", numbered="2{n:04}", image="Url",
        words=("RoadwayName", "DirectionOfTravel"),
    ),
    Family(
        "nsw_livetraffic",
        rows="features",
        fields=(*POINT, "geometry", "id", "properties.title", "properties.href"),
        lat="geometry.coordinates.1", lon="geometry.coordinates.0", text="properties.title", id="id",
        own="00000001-", numbered="1{n:07}-", image="properties.href", words=("properties.direction", "properties.view"),
    ),
    Family(
        "nzta",
        rows="response.camera",
        fields=("id", "name", "latitude", "longitude", "offline", "underMaintenance", "imageUrl"),
        lat="latitude", lon="longitude", text="name", id="id", own="9001", numbered="8{n:03}", image="imageUrl",
        words=("description", "direction", "highway"),
    ),
    Family(
        "drivebc",
        rows="",
        fields=(
            "id", "name", "location.type", "location.coordinates", "is_on", "should_appear", "update_period_mean", "links",
            "links.imageDisplay",
        ),
        lat="location.coordinates.1", lon="location.coordinates.0", text="name", id="id", own="9001", numbered="8{n:03}",
        image="links.imageDisplay", words=("orientation", "caption", "highway_display"),
    ),
    Family(
        "toronto",
        rows="features",
        fields=(*POINT, "geometry", "properties.REC_ID", "properties.MAINROAD", "properties.IMAGEURL"),
        lat="geometry.coordinates.0.1", lon="geometry.coordinates.0.0", text="properties.MAINROAD", id="properties.REC_ID",
        own="9001", numbered="8{n:03}", image="properties.IMAGEURL", words=("properties.CROSSROAD",),
    ),
    Family(
        "calgary",
        rows="",
        fields=("camera_url", "camera_url.url", "point", "point.type", "point.coordinates"),
        lat="point.coordinates.1", lon="point.coordinates.0", text="camera_location", id="camera_url.url", own="901",
        numbered="8{n:03}", image="camera_url.url",
    ),
    Family(
        "austin",
        rows="",
        fields=("camera_id", "location_name", "camera_status", "location.type", "location.coordinates", "screenshot_address"),
        lat="location.coordinates.1", lon="location.coordinates.0", text="location_name", id="camera_id", own="9001",
        numbered="8{n:03}", image="screenshot_address",
    ),
)  # fmt: skip
