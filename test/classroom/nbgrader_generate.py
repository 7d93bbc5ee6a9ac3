"""Runs nbgrader's generate_assignment from a checkout that is not installed; its gradebook is left out.

    python3 nbgrader_generate.py CHECKOUT COURSE ASSIGNMENT TYPESCRIPT_STUB
"""
import os
import sys
import types

checkout, course, assignment, stub = sys.argv[1:]

# The package itself would load its extensions of Jupyter.
package = types.ModuleType("nbgrader")
package.__path__ = [os.path.join(checkout, "nbgrader")]
sys.modules["nbgrader"] = package



class Absent(types.ModuleType):
    """Stands for nbgrader's gradebook, its database and its search for names: nothing of them is called."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


for name in ("nbgrader.api", "sqlalchemy", "rapidfuzz"):
    sys.modules[name] = Absent(name)

from nbgrader.converters import GenerateAssignment  # noqa: E402
from nbgrader.coursedir import CourseDirectory  # noqa: E402
from traitlets.config import Config  # noqa: E402

config = Config()
config.CourseDirectory.root = course
config.CourseDirectory.assignment_id = assignment
config.CourseDirectory.course_id = "course"
config.GenerateAssignment.no_database = True
config.SaveCells.enabled = False
config.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()", "typescript": stub}
GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()
