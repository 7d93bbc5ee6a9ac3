"""Runs nbgrader's generate_assignment from a checkout that is not installed; its gradebook is left out.

    python3 nbgrader_generate.py CHECKOUT COURSE ASSIGNMENT TYPESCRIPT_STUB
"""
import sys

import nbgrader_checkout

checkout, course, assignment, stub = sys.argv[1:]
nbgrader_checkout.use(checkout, without=("nbgrader.api", "sqlalchemy"))

from nbgrader.converters import GenerateAssignment  # noqa: E402
from nbgrader.coursedir import CourseDirectory  # noqa: E402
from traitlets.config import Config  # noqa: E402

config = Config()
config.CourseDirectory.root = course
config.CourseDirectory.assignment_id = assignment
config.CourseDirectory.course_id = "course"
config.GenerateAssignment.no_database = True
config.SaveCells.enabled = False
config.ClearSolutions.code_stub = {"python": nbgrader_checkout.PYTHON_STUB, "typescript": stub}
GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()
