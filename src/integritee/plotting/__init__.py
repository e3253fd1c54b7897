"""Curves of measured values, in the terminal and as pictures: a `Plot` of `Panel`s, each with its `Curve`s.

`draw` makes text of a plot and needs nothing; `save` makes a picture and needs matplotlib (extra ``plot``).
"""

from .errors import MatplotlibMissing, PictureRefused, PlottingError
from .picture import check, save
from .plot import Curve, Panel, Plot
from .terminal import draw

__all__ = ["Curve", "MatplotlibMissing", "Panel", "PictureRefused", "Plot", "PlottingError", "check", "draw", "save"]
