#!/bin/bash
# Say in one line why a machine has ended, if it did not end well. `make qemu` calls it.
#
#   ended.sh STATUS LOG     STATUS is QEMU's exit status, LOG has all that was on the screen
#
# A panic scrolls away: behind it come call stacks and registers of each hart. So its sentence is
# said once more as the last line; and so is the exit code of a first program that has failed. It
# knows no more of the machine than what LOG has. The exit status is STATUS.
status=$1 log=$2
[ "$status" -eq 0 ] && exit 0
said=$(tr -d '\r' 2>/dev/null <"$log")
panic=$(grep -a -A1 -E '^(kernel panic at |deadlock: all )' <<<"$said" | tail -2)
first=$(grep -a '^init ended with code ' <<<"$said" | tail -1)
where=${panic%%$'\n'*}
why=${panic#*$'\n'}
case $where in
"kernel panic"*)
    echo "make qemu: the kernel has stopped itself: ${why#"${why%%[! ]*}"} (${where%:})" ;;
deadlock*)
    echo "make qemu: the kernel has stopped itself: $where" ;;
*)
    [ -n "$first" ] && echo "make qemu: the first program has failed: $first" ||
    echo "make qemu: QEMU has ended with status $status; if nothing above says why, see" \
         "docs/running.md" ;;
esac
exit "$status"
