#!/bin/bash
# Run a machine, and say in one line why it has ended, if it did not end well. `make qemu` calls it.
#
#   ended.sh FOLDER COMMAND...   the command is QEMU's; FOLDER/screen.log is where it writes all
#                                that is on the screen; FOLDER/ended then has the line: none if all
#                                is well
#
# A panic scrolls away: behind it come call stacks and registers of each hart. So its sentence is
# said once more; and so is the exit code of a first program that has failed, and what QEMU itself
# has complained of. make prints the line as its own error, because what make says of a command that
# fails, "Error 255", would come below it. So the exit status is 0 whenever there is a line to read.
folder=$1
shift
rm -f "$folder/screen.log" "$folder/ended" || exit
"$@" 2> >(tee "$folder/complaints" >&2)
status=$?
wait $!                                 # for tee: its line comes before make's
[ "$status" -eq 0 ] && exec rm -f "$folder/complaints"
said=$(tr -d '\r' 2>/dev/null <"$folder/screen.log")
panic=$(grep -a -A1 -E '^(kernel panic at |deadlock: all )' <<<"$said" | tail -2)
first=$(grep -a '^init ended with code ' <<<"$said" | tail -1)
complaint=$(tr -d '\r' <"$folder/complaints" | tail -1)
where=${panic%%$'\n'*}
why=${panic#*$'\n'}
case $where in
"kernel panic"*) line="the kernel has stopped itself: ${why#"${why%%[! ]*}"} (${where%:})" ;;
deadlock*) line="the kernel has stopped itself: $where" ;;
*)
    if [ -n "$first" ]; then
        line="the first program has failed: $first"
    elif [ "$status" -gt 128 ] && signal=$(kill -l "$status"); then
        line="QEMU was killed from outside, by SIG$signal"
    elif [ -n "$complaint" ]; then
        line="QEMU has ended with status $status, and says: $complaint"
    else
        line="QEMU has ended with status $status, and does not say why: see docs/running.md"
    fi ;;
esac
echo "$line" >"$folder/ended"
