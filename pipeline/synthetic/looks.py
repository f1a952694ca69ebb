"""Draw how vehicles look: vectors with the spread between vehicles, cameras and pictures that the encoder was measured to have."""

import hashlib
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from pipeline.errors import IntegrityError
from pipeline.synthetic.options import Options
from pipeline.synthetic.traffic import Ints, Passes

Vectors = NDArray[np.float32]
Words = NDArray[np.uint64]

MEASURED = Path(__file__).with_name("noise.npz")
MEASURED_SHA256 = "ffe2375908508f207fdeb7e8bf0b13ea06c4ae64f28e55880d56ecde5397b3fa"
"""Of that file; `benchmarks.encoder_noise` says it of the one it writes."""
KINDS = (0.92, 0.06, 0.02)
"""Shares of cars, trucks and buses."""
TIGHT = 0.35
"""Spread of the looks within a fleet, as a share of that of all vehicles."""
APART = 1.3
"""How far off the mean of all vehicles a fleet's mean lies, standard deviations each way."""
KEPT, STEEP, UNEVEN = 0.75, 1.8, 0.6
"""Share of a look that is the same at every camera; power of its spectrum, as many vehicles share few colours; spread of
ln(noise) from pass to pass. So set that drawn cosines and ranks are as those measured (tests hold them to it)."""
OF_KIND, OF_FLEET, OF_VEHICLE, OF_PASS, OF_CAMERA, OF_NOISE = range(6)
"""What a random number is for."""


class Looks:
    """How the vehicles of one city look; everything about a vehicle follows from its number."""

    def __init__(self, options: Options) -> None:
        """Read what was measured."""
        self.options, self.version = options, "synthetic"
        told = measured()
        self.mean, self.basis = told["mean"].astype(np.float32), told["basis"].astype(np.float32)
        passes = _steep(told["passes"])
        self.vehicle, self.across = _root(KEPT * passes), _root((1.0 - KEPT) * passes)
        self.shift, self.within = _root(told["shift"]), _root(told["within"])
        self.sizes_px, self.within_sd = told["sizes_px"], np.sqrt(told["within_var"])

    def kind(self, vehicle: Ints) -> Ints:
        """Return the kind of each vehicle: 0 car, 1 truck, 2 bus."""
        draw = self._uniform(vehicle, OF_KIND)
        return np.searchsorted(np.cumsum(KINDS)[:-1], draw, side="right")

    def fleet(self, vehicle: Ints) -> Ints:
        """Return whose each vehicle is: 0 its own, 1 a taxi, 2 a van."""
        draw, taxis = self._uniform(vehicle, OF_FLEET), self.options.taxis
        return np.where(draw < taxis, 1, np.where(draw < taxis + self.options.vans, 2, 0))

    def drawer(
        self, rng: np.random.Generator, hour: int, passes: Passes
    ) -> Callable[[Ints, NDArray[np.float64]], NDArray[np.float16]]:
        """Return what draws the vectors of some boxes: (n,) rows of their passes and longer sides -> (n, 96) unit float16."""

        def draw(of: Ints, size_px: NDArray[np.float64]) -> NDArray[np.float16]:
            rows, at = np.unique(of, return_inverse=True)
            vehicle, way = passes.vehicle[rows], passes.camera[rows] * 2 + passes.toward[rows]
            looks = self._vehicle(vehicle)
            key = (vehicle << 20) + way + (hour << 50)
            rough = np.exp(UNEVEN * ndtri(self._uniform(key, OF_NOISE)) - UNEVEN**2).astype(np.float32)[:, None]
            looks += self._normal(key, OF_PASS) @ self.across * rough
            looks += self._normal(way, OF_CAMERA) @ self.shift
            spread = np.interp(size_px, self.sizes_px, self.within_sd).astype(np.float32)
            noise = rng.standard_normal((len(of), len(self.within)), dtype=np.float32) @ self.within
            raw = self.mean + (looks[at] + noise * spread[:, None] * rough[at]) @ self.basis.T
            raw /= np.sqrt(np.einsum("ij,ij->i", raw, raw))[:, None]
            return np.asarray(raw.astype(np.float16))

        return draw

    def _vehicle(self, vehicle: Ints) -> Vectors:
        """Return (n, k) what is a vehicle's own; those of a fleet are much alike."""
        own, fleet = self._normal(vehicle, OF_VEHICLE), self.fleet(vehicle)
        means = self._normal(np.array([-11, -12]), OF_VEHICLE)
        means *= APART * np.sqrt(means.shape[1]) / np.linalg.norm(means, axis=1, keepdims=True)
        own = np.where(fleet[:, None] > 0, means[fleet - 1] + np.float32(TIGHT) * own, own)
        return np.asarray(own @ self.vehicle)

    def _uniform(self, key: Ints, what: int) -> NDArray[np.float64]:
        """Return a number of 0..1 that follows from the seed, the key and what it is for."""
        return _mixed(key.astype(np.uint64) * np.uint64(8) + np.uint64(what), self.options.seed)

    def _normal(self, key: Ints, what: int) -> Vectors:
        """Return (n, k) standard normal numbers that follow from the seed, the key and what they are for."""
        start = _scrambled(key.astype(np.uint64) * np.uint64(8) + np.uint64(what), self.options.seed)
        each = start[:, None] + np.arange(len(self.vehicle), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return np.asarray(ndtri(_mixed(each, 0)).astype(np.float32))


@cache
def measured() -> dict[str, NDArray[np.float64]]:
    """Read what was measured of the encoder; raise IntegrityError where it is another file."""
    content = MEASURED.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != MEASURED_SHA256:
        raise IntegrityError(
            f"{MEASURED}: sha256 {found[:12]} is not {MEASURED_SHA256[:12]}; install the package again"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        return {name: held[name].astype(np.float64) for name in held.files}


def _root(covariance: NDArray[np.float64]) -> Vectors:
    """Return R with R' R the covariance: rows of standard normal numbers times R have it."""
    values, columns = np.linalg.eigh((covariance + covariance.T) / 2)
    return np.asarray((columns * np.sqrt(np.maximum(values, 0.0))) @ columns.T, np.float32)


def _steep(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let the strong directions be stronger, of the same trace."""
    values, columns = np.linalg.eigh((covariance + covariance.T) / 2)
    powered = np.maximum(values, 0.0) ** STEEP
    return np.asarray((columns * (powered * values.sum() / powered.sum())) @ columns.T)


def _scrambled(x: Words, seed: int) -> Words:
    """Scramble words one to one (splitmix64; Steele, Lea and Flood, 2014)."""
    x = x + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def _mixed(x: Words, seed: int) -> NDArray[np.float64]:
    """Return numbers strictly between 0 and 1 that follow from words."""
    return np.asarray(((_scrambled(x, seed) >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53)
