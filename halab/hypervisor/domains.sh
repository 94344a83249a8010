# domains.sh URI MARK VERB DOMAIN...: do the verb to all the domains at once, and wait for it.
# A domain without the mark in its metadata is somebody else's: it is left alone, and an error.
export LC_ALL=C
uri=$1 mark=$2 verb=$3
shift 3

virsh() { command virsh -q -c "$uri" "$@" </dev/null; }

ours() {
    virsh metadata "$1" --uri "$mark" >/dev/null && return
    echo "the domain $1 does not carry the suite's mark: left alone" >&2
    return 1
}

active() { [ "$(virsh domstate "$1")" != 'shut off' ]; }

# libvirt refuses by itself if another domain has the name
define() { virsh define "/var/lib/halab/$1.xml" >/dev/null; }

start() {
    ours "$1" && virsh autostart "$1" >/dev/null && { active "$1" || virsh start "$1" >/dev/null; }
}

power_off() { ours "$1" && { ! active "$1" || virsh destroy "$1" >/dev/null; }; }

remove() { power_off "$1" && virsh undefine "$1" >/dev/null && rm -f "/var/lib/halab/$1".*; }

# whatever there is of it; none, or somebody else's by its name, is no harm
clear() {
    all=$(virsh list --all --name) || return
    if echo "$all" | grep -qxF -e "$1"; then
        its=$(virsh dumpxml "$1") || return
        case $its in *"$mark"*) remove "$1" || return ;; esac
    fi
    rm -f "/var/lib/halab/$1".*
}

jobs=
for domain; do
    "$verb" "$domain" &
    jobs="$jobs $!"
done
status=0
for job in $jobs; do wait "$job" || status=1; done
exit $status
