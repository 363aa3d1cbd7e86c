"""The settings of the guide: `python -m sphinx -W -b html examples/guide out/guide`."""

import inspect
import os

import autograd_lite as al
from autograd_lite import nn

# For the notebooks: on a busy machine the threads of a small product mostly wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

project = "autograd_lite"
author = "the autograd_lite contributors"
release = al.__version__
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
]
html_theme = "pydata_sphinx_theme"
html_title = f"autograd_lite {release}"
html_theme_options = {"navigation_with_keys": False, "navbar_center": []}
html_context = {"default_mode": "auto"}
html_sidebars = {"**": ["contents.html"]}
# A block without a language shows printed text.
highlight_language = "none"
html_static_path = ["static"]
html_css_files = ["narrow.css"]
exclude_patterns = ["static", "templates"]
templates_path = ["templates"]
myst_heading_anchors = 3
nitpicky = True
# A type that NumPy's own pages describe.
nitpick_ignore = [("py:class", "numpy.float64")]
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
numpydoc_show_class_members = False
autosummary_generate = True
autodoc_typehints = "none"
# The page of a layer has its own methods; methods of all layers are on the page of `nn.Module`.
autosummary_context = {
    "layers": [
        name
        for name, kind in ((name, getattr(nn, name)) for name in nn.__all__)
        if inspect.isclass(kind) and issubclass(kind, nn.Module) and kind is not nn.Module
    ]
}
