"""The few colours that something consists of, and how far two such palettes are apart.

A palette is an array of rows L*, a*, b*, share (CIELAB with D65; shares add up to 1). Distances are CIEDE2000: about 1
is just seen, 20 is another colour.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.color import delta_e

Floats = NDArray[np.float64]

CELL = 8.0
"""Side of the CIELAB cells that are counted before colours are gathered."""
REACH = 14.0
"""Colours within this CIELAB distance of a commoner one belong to it: shading of one cloth, not another cloth."""
LEAST_SHARE = 0.01


def extracted(lab: Floats, most: int = 6) -> Floats:
    """The commonest colours of pixels in CIELAB, of shape (n, 3): at most `most` rows, the largest share first.

    Each is the mean of what lies near the commonest cell that is left; what is near none counts to the nearest. The
    same pixels in any order give the same rows. No pixels give no rows.
    """
    if len(lab) == 0:
        return np.empty((0, 4))
    cells, index, counts = np.unique(
        np.floor(lab / CELL).astype(np.int64), axis=0, return_inverse=True, return_counts=True
    )
    index = index.ravel()
    means = np.stack([np.bincount(index, lab[:, c], minlength=len(cells)) for c in range(3)], axis=1) / counts[:, None]
    centres = _centres(means, counts, most)
    near = np.linalg.norm(means[:, None] - centres[None], axis=2).argmin(axis=1)
    rows = []
    for number in range(len(centres)):
        own = near == number
        share = counts[own].sum() / len(lab)
        if share >= LEAST_SHARE:
            rows.append([*np.average(means[own], axis=0, weights=counts[own]), share])
    found = np.array(rows)
    found[:, 3] /= found[:, 3].sum()
    return found[np.lexsort((found[:, 0], -found[:, 3]))]


def _centres(means: Floats, counts: NDArray[np.int64], most: int) -> Floats:
    left = np.ones(len(means), dtype=bool)
    centres: list[Floats] = []
    while left.any() and len(centres) < most:
        commonest = means[np.where(left, counts, 0).argmax()]
        near = left & (np.linalg.norm(means - commonest, axis=1) <= REACH)
        centres.append(np.average(means[near], axis=0, weights=counts[near]))
        left &= ~near
    return np.array(centres)


def earth_movers(one: Floats, other: Floats) -> float:
    """Least CIEDE2000 distance by which the shares of one palette must move to become the other.

    Rubner, Tomasi and Guibas 2000, as a linear program. Shares are scaled to 1 first.

    Raises:
        ValueError: a palette has no colours.
    """
    from scipy.optimize import linprog

    if len(one) == 0 or len(other) == 0:
        raise ValueError("a palette without colours has no distance")
    distance = delta_e(one[:, None, :3], other[None, :, :3])
    rows, columns = distance.shape
    leaving = np.kron(np.eye(rows), np.ones(columns))
    arriving = np.kron(np.ones(rows), np.eye(columns))
    supplies = np.concatenate([one[:, 3] / one[:, 3].sum(), other[:, 3] / other[:, 3].sum()])
    # the last of the equations follows from the others; rounding would make it contradict them
    solved = linprog(distance.ravel(), A_eq=np.vstack([leaving, arriving])[:-1], b_eq=supplies[:-1], method="highs")
    return float(max(solved.fun, 0.0))


def nearest(palette: Floats, colours: Floats, within: float) -> tuple[float, float]:
    """How far a palette is from a set of colours (CIELAB, of shape (k, 3)) when each of its colours may pick one.

    Returns the mean CIEDE2000 distance to the nearest colour, weighed by share, and the share within a distance.

    Raises:
        ValueError: there is nothing to compare.
    """
    if len(palette) == 0 or len(colours) == 0:
        raise ValueError("a palette without colours has no distance")
    least = delta_e(palette[:, None, :3], colours[None]).min(axis=1)
    weights = palette[:, 3] / palette[:, 3].sum()
    return float(least @ weights), float(weights[least <= within].sum())
