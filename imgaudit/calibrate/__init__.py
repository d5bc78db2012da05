"""Fitting what a measure's values mean to what people say: labels read, joined with runs, a calibration file made."""
