#!/bin/sh
# The same as `make setup grade`.
cd "$(dirname "$0")" && exec make setup grade "$@"
