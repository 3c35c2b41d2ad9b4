#!/usr/bin/env bash
# cpu_time.sh LOG NAME COMMAND...  runs the command, and adds the line "NAME user system" to LOG, in seconds of CPU time.
log=$1
TIMEFORMAT="${2//%/%%} %U %S"
shift 2
{ time "$@" 2>&3; } 3>&2 2>>"$log"
