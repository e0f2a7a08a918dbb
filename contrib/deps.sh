#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing of what cometfs needs: deps.sh [build] [test] [share] [fuzz] [bench] [deb] [trixie]. Asks
# nothing, and makes no call to the network when all is there. Only apt's column is run by the tests;
# the others are names to the best of our knowledge. A dash: nothing to install there. What is in
# `share` starts servers that anybody can reach, where systemd runs: make check installs it elsewhere.
set -eu

table='
group  apt                   dnf                     pacman            apk
build  gcc                   gcc                     gcc               gcc
build  libc6-dev             glibc-devel             glibc             musl-dev
build  make                  make                    make              make
build  pkgconf               pkgconf-pkg-config      pkgconf           pkgconf
build  libfuse3-dev          fuse3-devel             fuse3             fuse3-dev
build  fuse3                 fuse3                   fuse3             fuse3
build  libcurl4-openssl-dev  libcurl-devel           curl              curl-dev
build  libsqlite3-dev        sqlite-devel            sqlite            sqlite-dev
build  libcjson-dev          cjson-devel             cjson             cjson-dev
build  libssl-dev            openssl-devel           openssl           openssl-dev
build  zlib1g-dev            zlib-devel              zlib              zlib-dev
build  libmicrohttpd-dev     libmicrohttpd-devel     libmicrohttpd     libmicrohttpd-dev
build  ca-certificates       ca-certificates         ca-certificates   ca-certificates
build  curl                  curl                    curl              curl
build  util-linux            util-linux              util-linux        util-linux
test   libcmocka-dev         libcmocka-devel         cmocka            cmocka-dev
test   bats                  bats                    bats              bats
test   perl                  perl-Test-Harness       perl              perl-utils
test   -                     libasan                 -                 -
test   -                     libubsan                -                 -
test   -                     libtsan                 -                 -
test   clang-format          clang-tools-extra       clang             clang-extra-tools
test   clang-tidy            -                       -                 -
test   cppcheck              cppcheck                cppcheck          cppcheck
test   shellcheck            ShellCheck              shellcheck        shellcheck
test   ffmpeg                ffmpeg-free             ffmpeg            ffmpeg
test   fio                   fio                     fio               fio
test   jq                    jq                      jq                jq
test   inotify-tools         inotify-tools           inotify-tools     inotify-tools
test   procps                procps-ng               procps-ng         procps-ng
test   systemd               systemd                 systemd           -
test   rsync                 rsync                   rsync             rsync
test   strace                strace                  strace            strace
test   nghttp2-proxy         nghttp2                 nghttp2           nghttp2
test   openssl               openssl                 openssl           openssl
test   python3               python3                 python            python3
test   attr                  attr                    attr              attr
test   faketime              libfaketime             libfaketime       libfaketime
test   iproute2              iproute                 iproute2          iproute2
test   e2fsprogs             e2fsprogs               e2fsprogs         e2fsprogs
test   chromium-headless-shell chromium-headless       chromium          chromium
test   ffmpegthumbnailer     ffmpegthumbnailer       ffmpegthumbnailer ffmpegthumbnailer
test   git                   git                     git               git
test   mpv                   mpv                     mpv               mpv
test   nginx                 nginx                   nginx             nginx
test   plocate               plocate                 plocate           plocate
test   mandoc                mandoc                  mandoc            mandoc
test   groff-base            groff-base              groff             groff
test   bsdextrautils         util-linux              util-linux        util-linux-misc
test   tmux                  tmux                    tmux              tmux
test   zip                   zip                     zip               zip
share  samba                 samba                   samba             samba
share  smbclient             samba-client            smbclient         samba-client
share  nfs-ganesha           nfs-ganesha             -                 -
share  nfs-ganesha-vfs       nfs-ganesha-vfs         -                 -
share  libnfs-utils          libnfs-utils            libnfs            -
fuzz   clang                 clang                   clang             clang
fuzz   libclang-rt-dev       compiler-rt             compiler-rt       compiler-rt
fuzz   jq                    jq                      jq                jq
bench  nginx                 nginx                   nginx             nginx
bench  wrk                   wrk                     wrk               wrk
bench  gnuplot-nox           gnuplot-minimal         gnuplot           gnuplot
bench  python3               python3                 python            python3
deb    build-essential       -                       -                 -
deb    debhelper             -                       -                 -
deb    dpkg-dev              -                       -                 -
deb    git                   git                     git               git
deb    lintian               -                       -                 -
trixie debootstrap           debootstrap             debootstrap       debootstrap
trixie util-linux            util-linux              util-linux        util-linux
'

# Packages of one manager's column, for the groups asked for.
names() {
	awk -v manager="$1" -v groups=" $* " '
		$1 == "group" { for (i = 2; i <= NF; i++) if ($i == manager) column = i; next }
		index(groups, " " $1 " ") && $column != "-" { print $column }' <<<"$table" | sort -u
}

installed() {
	case $1 in
	apt) dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p' ;;
	dnf) rpm -qa --qf '%{NAME}\n' ;;
	pacman) pacman -Qq ;;
	apk) apk info ;;
	esac
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

install_packages() {
	local manager=$1
	shift
	case $manager in
	apt)
		as_root apt-get -q update
		as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get -q -y --no-install-recommends install "$@"
		;;
	dnf) as_root dnf -y install "$@" ;;
	pacman) as_root pacman -Sy --noconfirm --needed "$@" ;;
	apk) as_root apk add "$@" ;;
	esac
}

for manager in apt dnf pacman apk; do
	command -v "${manager/%apt/apt-get}" >/dev/null || continue
	mapfile -t missing < <(comm -13 <(installed "$manager" | sort -u) <(names "$manager" "${@:-build}"))
	if [ "${#missing[@]}" -gt 0 ]; then
		echo "installing: ${missing[*]}"
		install_packages "$manager" "${missing[@]}"
	fi
	exit 0
done
echo "deps.sh: no apt-get, dnf, pacman or apk here: install the packages named in it by hand" >&2
