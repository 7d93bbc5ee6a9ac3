"""nbgrader from a checkout that is not installed: what its parts need of the world around them."""
import os
import sys
import types
from importlib.util import find_spec

# What nbgrader replaces where nothing is said, so that both languages have one.
PYTHON_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"


class Absent(types.ModuleType):
    """Stands for a package of which nothing is called."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


def use(checkout, without=()):
    """Makes `nbgrader` that of the checkout.

    Its extensions of Jupyter, which the package itself would load, and its search for names are left out, and so is `without`. Packages that
    nbgrader-setup.sh put beside it are found.
    """
    packages = os.path.join(checkout, "packages")
    sys.path.extend([packages, os.path.join(packages, "usr/lib/python3/dist-packages")])
    package = types.ModuleType("nbgrader")
    package.__path__ = [os.path.join(checkout, "nbgrader")]
    package.__file__ = os.path.join(checkout, "nbgrader", "__init__.py")
    sys.modules["nbgrader"] = package
    for name in ("rapidfuzz", *without):
        sys.modules[name] = Absent(name)


def has_gradebook(checkout):
    """Whether its gradebook's database can be opened."""
    use(checkout)
    return all(find_spec(name) is not None for name in ("sqlalchemy", "alembic", "nbconvert", "jsonschema", "tornado"))


if __name__ == "__main__":
    sys.exit(0 if has_gradebook(sys.argv[1]) else 1)
