#!/bin/sh
# Lays out the root of an image that holds one program and what it cannot run without: the libraries that it is linked
# with, the loader, the names of its user and of the machine's resolver, and the certificates that it trusts.
#
#   scripts/image_root.sh PROGRAM FOLDER
set -eu
program=$1
root=$2

install -D "$program" "$root/usr/local/bin/$(basename "$program")"

# "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)", or the loader alone.
libraries=$(ldd "$program" | grep -o '/[^ ]*')
for library in $libraries; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

# For scanners, which read these in place of a whole package database, and for the licences.
packages=$(for library in $libraries; do dpkg-query -S "$(realpath "$library")" "$library" 2>/dev/null || true; done |
  cut -d: -f1 | sort -u)
for package in $packages; do
  mkdir -p "$root/var/lib/dpkg/status.d" "$root/usr/share/doc/$package"
  dpkg-query -s "$package" > "$root/var/lib/dpkg/status.d/$package"
  cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
done

mkdir -p "$root/etc/ssl/certs" "$root/tmp"
cp /etc/os-release "$root/etc/os-release"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'byecaptcha:x:65532:65532::/var/lib/byecaptcha:/sbin/nologin' > "$root/etc/passwd"
echo 'byecaptcha:x:65532:' > "$root/etc/group"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
chmod 1777 "$root/tmp"
install -d -o 65532 -g 65532 "$root/var/lib/byecaptcha"
