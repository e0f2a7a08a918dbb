# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For stories of servers that give the mount to others. They run in a network of their own: their ports
# are nobody else's, and nobody else sees them.

start_net() {
	unshare --net tail -f /dev/null 3>&- &
	NET=$!
	wait_until '! [ /proc/$NET/ns/net -ef /proc/self/ns/net ]'
	inside ip link set lo up
}

# inside COMMAND…: there.
inside() {
	nsenter --target "$NET" --net timeout 60 "$@"
}

# serve COMMAND…: a server, whose words go into served; it listens on PORT when it is ready.
serve() {
	local port=$1
	shift
	nsenter --target "$NET" --net "$@" >"$SHARE/said" 2>&1 3>&- &
	SHARER=$!
	wait_until "inside ss -ltn | grep -q ':$port ' || ! kill -0 $SHARER"
	kill -0 $SHARER || {
		cat "$SHARE"/*log "$SHARE/said"
		return 1
	}
}

stop_sharing() {
	local pid=$SHARER
	SHARER=
	kill "$pid"
	wait_until "! kill -0 $pid 2>/dev/null" || kill -KILL "$pid"
	wait "$pid" || true
}

end_net() {
	[ -z "${SHARER-}" ] || stop_sharing
	[ -z "${NET-}" ] || kill "$NET"
	NET=
}

# needs PROGRAM: else the story is passed over. See contrib/deps.sh, why it may not be there.
needs() {
	command -v "$1" >/dev/null || skip "$1 is not installed: contrib/deps.sh share"
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# ---- Samba ---------------------------------------------------------------------------------------

start_samba() {
	needs smbd
	SHARE=$BATS_TEST_TMPDIR/smb
	mkdir "$SHARE"
	cat >"$SHARE/smb.conf" <<-CONF
		[global]
			server role = standalone server
			disable netbios = yes
			disable spoolss = yes
			load printers = no
			map to guest = bad user
			# The directory for tests is root's alone.
			guest account = root
			lock directory = $SHARE
			state directory = $SHARE
			cache directory = $SHARE
			private dir = $SHARE
			pid directory = $SHARE
			ncalrpc dir = $SHARE/ncalrpc
			log file = $SHARE/log
		[videos]
			path = $MNT
			guest only = yes
		[jobs]
			path = $MNT
			guest only = yes
			read only = no
		${SHARED-}
	CONF
	start_net
	serve 445 "$(command -v smbd)" --foreground --debug-stdout -s "$SHARE/smb.conf"
}

# smb SHARE COMMAND: as smbclient has it. What fails is on its standard output.
smb() {
	(cd "$BATS_TEST_TMPDIR" && inside smbclient -s "$SHARE/smb.conf" -N "//127.0.0.1/$1" -c "$2")
}

# ---- NFS -----------------------------------------------------------------------------------------

# Version 4 alone: it needs no rpcbind.
start_nfs() {
	needs ganesha.nfsd
	[[ ! $(ganesha.nfsd -v) =~ V([6-9]|[1-9][0-9]) ]] || skip "nfs-ganesha 6 answers libnfs 5 with NFS4ERR_NOTSUPP"
	SHARE=$BATS_TEST_TMPDIR/nfs
	mkdir -p "$SHARE/recovery"
	cat >"$SHARE/conf" <<-CONF
		NFS_CORE_PARAM {
			NFS_Protocols = 4;
			Enable_RQUOTA = false;
			Enable_NLM = false;
		}
		NFSv4 {
			RecoveryRoot = "$SHARE/recovery";
			Graceless = true;
		}
		EXPORT {
			Export_Id = 1;
			Path = $MNT;
			Pseudo = /videos;
			Protocols = 4;
			Transports = TCP;
			SecType = sys;
			Squash = no_root_squash;
			Access_Type = RO;
			# What is in the mount changes by itself.
			Attr_Expiration_Time = 0;
			FSAL { Name = VFS; }
		}
	CONF
	[ -n "${NET-}" ] || start_net
	serve 2049 "$(command -v ganesha.nfsd)" -F -f "$SHARE/conf" -L "$SHARE/log" -p "$SHARE/pid"
}

# nfs PROGRAM PATH [ARG…]: nfs-ls, nfs-cat, or nfs-cp with where to.
nfs() {
	local program=$1 path=$2
	shift 2
	inside "$program" "nfs://127.0.0.1/videos/$path?version=4" "$@"
}
