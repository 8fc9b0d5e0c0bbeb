import { AGENT_PORTS } from './sending.ts';

/**
 * The agent, which runs on a node for as long as the node does. It needs nothing but a POSIX shell,
 * and curl or Python, which cloud-init itself needs.
 *
 * It tells Onebuck once whether cloud-init is done (`ready`) or has failed (`failed`), starts the
 * agent of the job on a node that is ready and has one, also after a reboot, calls at least every six
 * hours (`alive`), and, from 15 seconds after the teardown time on, every 30 seconds
 * (`due`). Each answer may bring a later token and another teardown time. Everything it knows is in
 * files, so that it goes on after a reboot.
 *
 * On a node with a limit (scripts/sending.ts), it looks each ten seconds at what was sent, and asks
 * for a larger allowance when half of it is used (`sending`).
 */
export const AGENT = `#!/bin/sh
d=/etc/onebuck
rank=$(sed -n 's/^ONEBUCK_RANK=//p' $d/environment)
spread=$((rank % 30))

keep() { (umask 077 && cat > "$d/$1.new") && chmod "$2" "$d/$1.new" && mv "$d/$1.new" "$d/$1"; }

# The token is handed over by a pipe or a file: anybody on the node can read the arguments.
post() {
  if command -v curl > /dev/null; then
    printf 'header = "Authorization: Bearer %s"\\n' "$(cat $d/token)" |
      curl -fsS -m 30 \${slice:+--local-port ${AGENT_PORTS}} -K - \\
        -H 'Content-Type: application/json' --data-binary "$1" "$(cat $d/url)"
  else
    python3 -c 'import sys, urllib.request as u
read = lambda name: open("/etc/onebuck/" + name).read().strip()
head = {"Authorization": "Bearer " + read("token"), "Content-Type": "application/json"}
print(u.urlopen(u.Request(read("url"), sys.argv[1].encode(), head), timeout=30).read().decode())' "$1"
  fi
}

# The text or number in the answer, which is one JSON object without nesting.
field() {
  printf '%s' "$answer" | tr -d '\\n' |
    sed -n "s/.*\\"$1\\" *: *\\"\\{0,1\\}\\([^\\",} ]*\\).*/\\1/p"
}

# call EVENT DETAIL [FIELDS]: detail and further fields as in JSON; fails if Onebuck did not take it.
call() {
  answer=$(post "{\\"event\\":\\"$1\\",\\"detail\\":\\"$2\\"$3}") || return 1
  last=$(date +%s)
  token=$(field token)
  at=$(field teardownAt)
  [ -z "$token" ] || echo "$token" | keep token 600
  [ -n "$at" ] && [ "$at" != "$(cat $d/teardown-at)" ] || return 0
  echo "$at" | keep teardown-at 644
  for file in $d/environment /etc/environment /etc/systemd/system.conf.d/onebuck.conf; do
    [ ! -e "$file" ] || sed -i "s/\\(ONEBUCK_TEARDOWN_AT=\\)[^ ]*/\\1$at/" "$file"
  done
  [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

# At most 500 bytes: what cloud-init says of itself, and the last lines of its log that it did not
# write itself.
reason() {
  {
    printf 'cloud-init: error. '
    cat $d/fault 2> /dev/null
    tr -d '\\n' < /run/cloud-init/result.json | sed 's/.*"errors": *\\[ *//; s/ *\\].*//' | head -c 160
    echo
    grep -v -e '^ci-info' -e '^Cloud-init v' -e '[.]py\\[' /var/log/cloud-init-output.log | tail -c 280
  } | tr -c '\\n -~' '?' | head -c 480 | sed 's/[\\\\"]/\\\\&/g' |
    awk '{ printf "%s%s", n++ ? "\\\\n" : "", $0 }'
}

tell() {
  if [ ! -s $d/fault ] && grep -q '"errors": *\\[ *\\]' /run/cloud-init/result.json; then
    call ready '' && echo ready > $d/told && job
  else
    call failed "$(reason)" && touch $d/told
  fi
}

job() {
  if [ -s $d/told ] && [ -e /usr/local/lib/onebuck/job.sh ]; then
    sh /usr/local/lib/onebuck/job.sh
  fi
}

rest() { sleep "$1"; }
[ ! -e $d/limit ] || . /usr/local/lib/onebuck/sending
last=$(date +%s)
[ ! -e $d/told ] || { job; call alive ''; }
while :; do
  now=$(date +%s)
  # GNU's date and BusyBox's both read the time without T and Z.
  at=$(sed 's/T/ /; s/[.Z].*//' $d/teardown-at)
  due=$(($(date -u -d "$at" +%s) + 15 + spread))
  pause=30
  if [ "$now" -ge "$due" ]; then
    call due ''
  elif [ ! -e $d/told ]; then
    pause=2
    [ ! -e /run/cloud-init/result.json ] || tell || pause=30
  elif [ "$now" -ge $((last + 21600)) ]; then
    # If Onebuck does not answer, the next try is ten minutes later.
    call alive '' || last=$((now - 21000))
  fi
  left=$((due - now))
  [ $left -le 0 ] || [ $left -ge $pause ] || pause=$left
  rest $pause
done
`;
