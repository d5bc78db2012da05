"""Arithmetic on a face mesh of 468 points (mediapipe's order), optionally followed by five points of each iris.

The mesh network draws a plausible face on whatever it is shown: asymmetry and irises find gross failures only.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MESH = 468
EYE_CORNERS = ((33, 133), (362, 263))
"""Corners of the eye at the picture's left, then of the one at its right, each from left to right."""

_PAIRS = (
    "3:248 7:249 20:250 21:251 22:252 23:253 24:254 25:255 26:256 27:257 28:258 29:259 30:260 31:261 32:262 "
    "33:263 34:264 35:265 36:266 37:267 38:268 39:269 40:270 41:271 42:272 43:273 44:274 45:275 46:276 47:277 "
    "48:278 49:279 50:280 51:281 52:282 53:283 54:284 55:285 56:286 57:287 58:288 59:289 60:290 61:291 62:292 "
    "63:293 64:294 65:295 66:296 67:297 68:298 69:299 70:300 71:301 72:302 73:303 74:304 75:305 76:306 77:307 "
    "78:308 79:309 80:310 81:311 82:312 83:313 84:314 85:315 86:316 87:317 88:318 89:319 90:320 91:321 92:322 "
    "93:323 95:324 96:325 97:326 98:327 99:328 100:329 101:330 102:331 103:332 104:333 105:334 106:335 107:336 "
    "108:337 109:338 110:339 111:340 112:341 113:342 114:343 115:344 116:345 117:346 118:347 119:348 120:349 "
    "121:350 122:351 123:352 124:353 125:354 126:355 127:356 128:357 129:358 130:359 131:360 132:361 133:362 "
    "134:363 135:364 136:365 137:366 138:367 139:368 140:369 141:370 142:371 143:372 144:373 145:374 146:375 "
    "147:376 148:377 149:378 150:379 153:380 154:381 155:382 156:383 157:384 158:385 159:386 160:387 161:388 "
    "162:389 163:390 165:391 166:392 167:393 169:394 170:395 171:396 172:397 173:398 174:399 176:400 177:401 "
    "178:402 179:403 180:404 181:405 182:406 183:407 184:408 185:409 186:410 187:411 188:412 189:413 190:414 "
    "191:415 192:416 193:417 194:418 196:419 198:420 201:421 202:422 203:423 204:424 205:425 206:426 207:427 "
    "208:428 209:429 210:430 211:431 212:432 213:433 214:434 215:435 216:436 217:437 218:438 219:439 220:440 "
    "221:441 222:442 223:443 224:444 225:445 226:446 227:447 228:448 229:449 230:450 231:451 232:452 233:453 "
    "234:454 235:455 236:456 237:457 238:458 239:459 240:460 241:461 242:462 243:463 244:464 245:465 246:466 "
    "247:467 "
)
"""Points that are each other's mirror image; a point that is not named lies on the middle line.

Found by matching the meshes of 75 faces with those of their mirror images.
"""


def mirrored_order() -> npt.NDArray[np.int64]:
    """For each of the 468 points, the point on the other side of the face.

    >>> mirrored_order()[33]
    np.int64(263)
    """
    order = np.arange(MESH)
    pairs = np.array([[int(i) for i in pair.split(":")] for pair in _PAIRS.split()])
    order[pairs[:, 0]], order[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    return order


def eye_centres(mesh: Floats) -> tuple[Floats, Floats]:
    """Middle between the corners of the eye at the picture's left, and of the one at its right."""
    (a, b), (c, d) = EYE_CORNERS
    return (mesh[a] + mesh[b]) / 2, (mesh[c] + mesh[d]) / 2


def interocular(mesh: Floats) -> float:
    """Distance between the eyes' centres in space, so that a turned head keeps its measure."""
    left, right = eye_centres(mesh)
    return float(np.linalg.norm(left - right))


def yaw(mesh: Floats) -> float:
    """How far the head is turned about its upright axis, in degrees; 0 looks at the camera."""
    left, right = eye_centres(mesh)
    return math.degrees(math.atan2(float(right[2] - left[2]), float(np.linalg.norm((right - left)[:2]))))


def asymmetry(mesh: Floats) -> float:
    """How far a face is from its own mirror image, in interocular distances.

    The mesh is mirrored in space and laid over itself by the best rotation, shift and scale (Procrustes), which takes
    out turn, tilt and roll; the root of the mean squared distance remains. A smile to one side counts too.
    """
    points = mesh[:MESH]
    image = points[mirrored_order()] * np.array([-1.0, 1.0, 1.0])
    first, second = points - points.mean(axis=0), image - image.mean(axis=0)
    laid = _laid_over(second, first)
    rms = math.sqrt(float(((first - laid) ** 2).sum(axis=1).mean()))
    return rms / max(interocular(mesh), 1e-6)


def _laid_over(moving: Floats, still: Floats) -> Floats:
    """The centred points `moving` after the rotation and scale that bring them nearest to `still` (Kabsch)."""
    u, values, vt = np.linalg.svd(moving.T @ still)
    signs = np.array([1.0, 1.0, math.copysign(1.0, float(np.linalg.det(u @ vt)))])
    scale = float((values * signs).sum()) / max(float((moving**2).sum()), 1e-12)
    laid: Floats = scale * moving @ (u * signs) @ vt
    return laid


def iris_ratio(mesh: Floats) -> float | None:
    """Larger iris radius over the smaller; None where the mesh carries no irises."""
    if len(mesh) < MESH + 10:
        return None
    radii = [_radius(mesh[start : start + 5, :2]) for start in (MESH, MESH + 5)]
    return max(radii) / max(min(radii), 1e-6)


def _radius(iris: Floats) -> float:
    return float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())


LIMITS = {"jitter": 0.10, "mirror": 0.10, "asymmetry": 0.12, "irises": 1.6}
"""What good faces do not reach, by cue: three to five times the median of good faces for jitter and mirror (0.02
each, over 70 faces in photographs), the hard limit of the literature's rule for asymmetry, and the ratio of two
irises beyond any that was read in a photograph."""

FRONTAL_DEGREES = 20.0
_STEEPNESS = 4.0


def oddities(mesh: Floats, jitter: float, mirror: float) -> dict[str, float]:
    """How near each cue of a face is to its limit: 1 is at the limit.

    Asymmetry and irises are only compared on a face that looks at the camera.
    """
    seen = {"jitter": jitter, "mirror": mirror}
    if abs(yaw(mesh)) < FRONTAL_DEGREES:
        seen["asymmetry"] = asymmetry(mesh)
        ratio = iris_ratio(mesh)
        if ratio is not None:
            seen["irises"] = (ratio - 1) / (LIMITS["irises"] - 1) * LIMITS["irises"]
    return {cue: value / LIMITS[cue] for cue, value in seen.items()}


def probability(odd: dict[str, float]) -> float:
    """A score 0..1 that rises with the oddest cue: 0.5 at its limit, below 0.06 at half of it."""
    worst = max(odd.values())
    return float(worst**_STEEPNESS / (1 + worst**_STEEPNESS))
