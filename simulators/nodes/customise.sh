#!/bin/sh
# A hook of mmdebstrap: makes the root file system $1 what a Linode with the image Debian 13 has
# on its disk, and able to boot in namespaces of the host's kernel.
set -eu
root=$1
system=$root/etc/systemd/system

# --- As on a Linode's disk ---
echo localhost >"$root/etc/hostname"
printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
: >"$root/etc/fstab"
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
echo uninitialized >"$root/etc/machine-id"
# root may log in, by key and by password.
printf 'PermitRootLogin yes\nPasswordAuthentication yes\n' >"$root/etc/ssh/sshd_config.d/00-linode.conf"
cat >"$root/etc/cloud/cloud.cfg.d/90_linode.cfg" <<'END'
disable_root: false
ssh_pwauth: true
datasource_list: [Akamai, None]
END

# --- What is the host's ---
# The lab addresses the interfaces before each boot, as Linode's Network Helper does.
echo 'network: {config: disabled}' >"$root/etc/cloud/cloud.cfg.d/91_network_helper.cfg"
printf 'growpart: {mode: "off"}\nresize_rootfs: false\n' >"$root/etc/cloud/cloud.cfg.d/92_disk.cfg"
# Nobody answers there, so that a look-up fails at once, and not after seconds.
echo 'nameserver 169.254.169.253' >"$root/etc/resolv.conf"
# The only way out, to Debian's mirror and to PyPI (simulators/nodes/mirror.ts).
cat >"$root/etc/apt/sources.list" <<'END'
deb http://deb.debian.org/debian trixie main
deb http://deb.debian.org/debian trixie-updates main
deb http://deb.debian.org/debian-security trixie-security main
END
rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap
echo 'Acquire::http::Proxy "http://169.254.169.253:3142";' >"$root/etc/apt/apt.conf.d/95lab"
printf '[global]\nindex-url = http://169.254.169.253:3142/pypi/simple/\ntrusted-host = 169.254.169.253\n' \
  >"$root/etc/pip.conf"
# The overlay of a node is thrown away with it.
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/lab"

mask() {
  for unit; do
    [ ! -e "$root/usr/lib/systemd/system/$unit" ] || ln -sf /dev/null "$system/$unit"
  done
}
# Kernel, disks, devices and terminals are the host's.
mask systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service \
  systemd-random-seed.service systemd-remount-fs.service systemd-pstore.service \
  systemd-rfkill.service systemd-udevd.service systemd-udev-trigger.service \
  systemd-udev-settle.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
  systemd-hwdb-update.service kmod-static-nodes.service modprobe@.service \
  systemd-tmpfiles-setup-dev.service systemd-tmpfiles-setup-dev-early.service \
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
  sys-fs-fuse-connections.mount dev-hugepages.mount dev-mqueue.mount \
  proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount \
  getty@.service console-getty.service serial-getty@.service container-getty@.service \
  getty.target systemd-firstboot.service
mask systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service \
  systemd-network-generator.service
mask apt-daily.timer apt-daily-upgrade.timer fstrim.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service
ln -sf /usr/lib/systemd/system/multi-user.target "$system/default.target"
# No ldconfig, sysusers and journal catalogue at a node's first boot.
touch "$root/etc/.updated" "$root/var/.updated"

# cloud-init believes a DMI only on a virtual machine. So cloud-init is told "kvm", while systemd
# knows that it is in a container, and leaves the kernel alone.
chroot "$root" dpkg-divert --quiet --local --rename \
  --divert /usr/bin/systemd-detect-virt.real --add /usr/bin/systemd-detect-virt
cat >"$root/usr/bin/systemd-detect-virt" <<'END'
#!/bin/sh
for word; do
  case $word in -c | --container) exit 1 ;; esac
done
case " $* " in *" -q "* | *" --quiet "*) ;; *) echo kvm ;; esac
END
chmod 755 "$root/usr/bin/systemd-detect-virt"
mkdir -p "$root/usr/libexec"
echo DI_SYSTEMD_VIRTUALIZATION=vm:kvm >"$root/usr/libexec/ds-identify-env"
