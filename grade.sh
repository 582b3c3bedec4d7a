#!/bin/sh
# Install the tools that are missing, build, and show the marks: the same as `make setup grade`.
# Arguments are handed on to make, as in ./grade.sh LAB=5
cd "$(dirname "$0")" && exec make setup grade "$@"
