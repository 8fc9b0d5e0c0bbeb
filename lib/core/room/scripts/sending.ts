import {
  SLOW_ALL_PER_SECOND,
  SLOW_SMALL_PER_SECOND,
  SMALL_PACKET_BYTES,
} from '../../billing/transfer.ts';

/** The ports from which the agent calls: only root can use them, and they are nobody's. */
export const AGENT_PORTS = '900-931';

/**
 * Functions that keep a node to its allowance, for the boot script, the service of the firewall, the
 * setups and the agent. They make a table of nftables, which counts what leaves for the internet and
 * passes, and slows it down beyond the allowance:
 * - What stays on the node, in the private network or among containers does not leave by `$wan`.
 * - What has a link-local address, such as Linode's metadata, is not billed.
 * - ssh with the agent, and small packets, each have a rate that nothing else can use up: a flood of
 *   small packets would keep everybody from logging in, and the agent from asking.
 *
 * The agent looks each ten seconds at what was sent, and asks Onebuck for a larger allowance when half
 * of it is used (`sending`): at the next look again if that brought something, or in five minutes and a
 * second for each node with a lower rank. If Onebuck is busy or away, in 10 to 100 seconds.
 *
 * `/etc/onebuck/limit` has the slice and the interface. `/etc/onebuck/sent` has the month, such as
 * 202611, the bytes that were sent in it, the allowance, and when the node began to count (seconds of
 * the epoch): a rebuilt node begins anew.
 */
export const SENDING = `d=/etc/onebuck
table='inet onebuck_sending'
. $d/limit
month=$(date -u +%Y%m) sent=0 allowance=$slice since=$(date +%s)
[ ! -s $d/sent ] || read -r month sent allowance since < $d/sent

# The bytes that the table has counted; nothing if there is no table.
count() { nft list counter "$table" sent 2> /dev/null | sed -n 's/.* bytes //p'; }

keep_sent() {
  used=$(count)
  sent=\${used:-$sent}
  echo "$month $sent $allowance $since" > $d/sent.new
  # Otherwise the file may be empty after the power was cut.
  sync $d/sent.new 2> /dev/null
  mv $d/sent.new $d/sent
}

# Makes the table, or gives it another allowance, while its counter goes on.
load() {
  used=$(count)
  # A month has turned while the node was off.
  [ -n "$used" ] || [ "$(date -u +%Y%m)" -le "$month" ] || { sent=0; allowance=$slice; }
  {
    [ -z "$used" ] || echo "flush table $table
delete quota $table allowance"
    used=\${used:-$sent}
    # The kernel refuses a quota of which more is used than there is.
    [ "$used" -le "$allowance" ] || used=$allowance
    # The kernel cuts packets of 64 KiB later: they must fit into the last rate and its burst.
    echo "table $table {
counter sent { packets 0 bytes $sent }
quota allowance { over $allowance bytes used $used bytes }
chain slow {
tcp sport { 22, ${AGENT_PORTS} } limit rate ${SLOW_SMALL_PER_SECOND / 2} bytes/second return
meta length < ${SMALL_PACKET_BYTES} limit rate ${SLOW_SMALL_PER_SECOND / 2} bytes/second return
limit rate ${SLOW_ALL_PER_SECOND} bytes/second burst 64000 bytes return
drop
}
chain sending {
type filter hook postrouting priority 0; policy accept;
oifname != $wan accept
ip daddr 169.254.0.0/16 accept
ip6 daddr fe80::/10 accept
quota name allowance jump slow
counter name sent
}
}"
  } | nft -f -
}

# Makes the table anew, with what is known to be sent.
renew() {
  nft delete table "$table"
  load
} 2> /dev/null

# Seconds until the next look, and how many looks until Onebuck is asked at the earliest.
soon=1 patience=0

# rest SECONDS: steps are counted, as the clock may be set meanwhile.
rest() {
  remains=$1
  while [ "$remains" -gt 0 ]; do
    step=$remains
    [ "$step" -le $soon ] || step=$soon
    sleep "$step"
    remains=$((remains - step)) soon=$((soon - step))
    [ $soon -gt 0 ] || look
  done
}

# Also at midnight, when a month may turn.
look() {
  soon=$((86400 - $(date +%s) % 86400)) patience=$((patience - 1))
  [ $soon -le 10 ] || soon=10
  used=$(count)
  # Somebody has flushed all rules, or reset all counters.
  [ "\${used:--1}" -ge "$sent" ] || renew
  before=$sent
  [ "$used" = "$sent" ] || keep_sent
  turn "$(date -u +%Y%m)" $((sent - before))
  [ $patience -gt 0 ] || [ $((sent * 2)) -lt "$allowance" ] || ask
}

# turn MONTH BYTES: if the month is later, counting begins anew, with the bytes that may be of it.
turn() {
  [ "$1" -gt "$month" ] || return
  # Not all nodes ask at once.
  month=$1 sent=$2 allowance=$slice patience=$((spread / 10))
  renew
  keep_sent
}

ask() {
  # Onebuck hears so many calls a second. Those of a large cluster come one after the other.
  patience=$((1 + spread / 3))
  call sending '' ",\\"sentBytes\\":$sent,\\"countedSince\\":\${since:-0}" || return
  patience=$((30 + rank / 10))
  granted=$(field allowanceBytes) that=$(field allowanceMonth | tr -d -)
  case $that,$granted in ,* | *, | *[!0-9,]*) return ;; esac
  turn "$that" 0
  [ "$that" -eq "$month" ] && [ "$granted" -gt "$allowance" ] || return
  allowance=$granted patience=1
  load || renew
  keep_sent
}
`;
