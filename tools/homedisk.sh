#!/bin/sh
# homedisk.sh OBJECTS: see that there is obj/disk.img, the disk of make qemu, which keeps what is
# written.
#
# OBJECTS is obj/TOOLCHAIN; beside it is a disk that is new. Without obj/disk.img it is copied. One
# that is there stays as it is, but for programs that were compiled since they were put into its
# /bin: they take the place of the old ones. If that cannot be it is told, and is no error: the
# machine may still mend the disk, and has all programs in the kernel's image too.
set -e
objects=$1 image=obj/disk.img stamp=obj/disk.programs

if [ ! -e $image ]; then
    cp "$objects-disk.img" $image.new && mv $image.new $image
elif [ "$(cat $stamp 2>/dev/null)" != "$objects" ] ||
        [ -n "$(find "$objects/image" -type f -newer $stamp)" ]; then
    { python3 tools/disk replay $image >/dev/null &&
        python3 tools/disk put $image "$objects/image:/bin"; } ||
        echo "$image: its /bin keeps the programs that it has" >&2
fi
echo "$objects" >$stamp
