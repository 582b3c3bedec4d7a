# Which commands are here: for scripts that look for tools.
#
#   . tools/have.sh     in the top folder of the tree
#
# probe.sh and setup.sh read it. One of them is a script of sh and the other one of bash, so this
# is for both. A command that is found may still be too old: that is the script's to find out. Each
# script has its own fail(), because probe.sh answers on stdout and setup.sh speaks to the user.

# Are all of these commands in PATH?
have()
{
    for tool in "$@"; do
        command -v "$tool" >/dev/null 2>&1 || return 1
    done
}
