#!/bin/sh
# Lays nbgrader 0.9.5 out in a folder, for the tests that compare with it: its source, and what its gradebook needs of Python beside what
# Debian's python3-nbconvert brings. Nothing is installed into the system, and nothing of it is ours to commit.
#
#     sh test/classroom/nbgrader-setup.sh ../shared/nbgrader [REPOSITORY]
set -eu
folder=${1:?"expected the folder to lay it out in"}
repository=${2:-https://github.com/jupyter/nbgrader}
mkdir -p "$folder/packages"
cd "$folder/packages"
git clone --quiet --bare --branch v0.9.5 "$repository" repository.git
git --git-dir=repository.git archive v0.9.5 nbgrader ':(exclude)nbgrader/docs' | tar -x -C ..
rm -rf repository.git
# Debian's own fit Debian's Python; elsewhere pip has them.
if apt-get download python3-alembic python3-sqlalchemy python3-mako python3-markupsafe; then
  for package in *.deb; do dpkg-deb -x "$package" .; done
  rm ./*.deb
else
  /usr/bin/python3 -m pip install --quiet --target . 'sqlalchemy>=1.4,<3' 'alembic>=1.7'
fi
