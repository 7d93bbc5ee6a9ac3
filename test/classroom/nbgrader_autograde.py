"""Runs nbgrader's generate_assignment, autograde and export from a checkout that is not installed, with its gradebook.

    python3 nbgrader_autograde.py CHECKOUT COURSE ASSIGNMENT TYPESCRIPT_STUB

COURSE holds source/ASSIGNMENT/*.ipynb, submitted/STUDENT/ASSIGNMENT/*.ipynb and course.json, {duedate or null, students: [{id, first_name, last_name, email}]}.
Writes scores.json, {student: {cell: {"points": the automatic ones, or null until a person gives them, "maxPoints": n}}}, and grades.csv.
"""
import json
import logging
import os
import sys

import nbgrader_checkout

checkout, course, assignment, stub = sys.argv[1:]
nbgrader_checkout.use(checkout)
logging.basicConfig(level=logging.WARNING)

import nbgrader.api  # noqa: E402
from alembic.script import ScriptDirectory  # noqa: E402
from nbgrader.api import Gradebook  # noqa: E402
from nbgrader.converters import Autograde, GenerateAssignment  # noqa: E402
from nbgrader.coursedir import CourseDirectory  # noqa: E402
from nbgrader.plugins.export import CsvExportPlugin  # noqa: E402
from nbgrader.utils import parse_utc  # noqa: E402
from traitlets.config import Config  # noqa: E402

# It would ask the program alembic, which would load the whole package.
newest = ScriptDirectory(os.path.join(checkout, "nbgrader", "alembic")).get_current_head()
nbgrader.api.get_alembic_version = lambda: newest

database = "sqlite:///" + os.path.join(course, "gradebook.db")
config = Config()
config.CourseDirectory.root = course
config.CourseDirectory.assignment_id = assignment
config.CourseDirectory.course_id = "course"
config.CourseDirectory.db_url = database
config.ClearSolutions.code_stub = {"python": nbgrader_checkout.PYTHON_STUB, "typescript": stub}
config.Execute.timeout = 600
config.ExecutePreprocessor.timeout = 600
GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()

with open(os.path.join(course, "course.json")) as file:
    given = json.load(file)
with Gradebook(database, "course") as gradebook:
    if given["duedate"] is not None:
        gradebook.update_or_create_assignment(assignment, duedate=parse_utc(given["duedate"]))
    for student in given["students"]:
        gradebook.update_or_create_student(student["id"], **{key: student[key] for key in student if key != "id"})

Autograde(coursedir=CourseDirectory(config=config), config=config).start()

with Gradebook(database, "course") as gradebook:
    scores = {}
    for submission in gradebook.assignment_submissions(assignment):
        scores[submission.student.id] = {
            grade.name: {"points": grade.auto_score, "maxPoints": grade.max_score}
            for notebook in submission.notebooks
            for grade in notebook.grades
        }
    with open(os.path.join(course, "scores.json"), "w") as file:
        json.dump(scores, file)
    CsvExportPlugin(config=Config(CsvExportPlugin={"to": os.path.join(course, "grades.csv")})).export(gradebook)
