/* SPDX-License-Identifier: MIT */
/*
 * The order in which everything starts and stops. Without -f the program forks before it opens
 * anything, since neither threads nor the handles of curl and SQLite survive a fork.
 */
#include "background.h"
#include "base.h"
#include "check.h"
#include "echo.h"
#include "limit.h"
#include "mountpoint.h"
#include "notify.h"
#include "ops.h"
#include "options.h"
#include "shared_map.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STORE_WAIT_MS 5000

struct mount {
	struct options options;
	char mountpoint[PATH_MAX]; /* absolute */
	struct store *store;
	struct catalog *catalog;
	struct fuse_session *session;
	dev_t device; /* of the mount, 0 when it is not known */
	sigset_t signals; /* that are waited for */
	int64_t park_ms; /* the longest that a request may wait for its answer */
};

static bool mounted;

static int fail(const char *what, const char *why)
{
	log_failure("%s: %s", what, why);
	return EXIT_FAILURE;
}

static int check(struct mount *mount)
{
	const char *why = mountpoint_check(mount->options.mountpoint);
	if (why != NULL)
		return fail(mount->options.mountpoint, why);
	if (realpath(mount->options.mountpoint, mount->mountpoint) == NULL)
		return fail(mount->options.mountpoint, strerror(errno));
	if (access("/dev/fuse", F_OK) != 0)
		return fail("/dev/fuse",
			"there is none, load the kernel's module (modprobe fuse); a container has "
			"to be given the device");
	return 0;
}

/* ---- start ------------------------------------------------------------------------------------- */

static const char *catalog_words(int r)
{
	switch (-r) {
	case EUCLEAN:
		return "the catalog is damaged, restore it from a backup or take another store";
	case EPROTO:
		return "the catalog was made by a newer cometfs, which has to be used with it";
	case EISDIR:
	case ELOOP:
		return "its catalog.sqlite is not a plain file";
	case EBUSY:
		return "another program has the catalog open and locked";
	default:
		return strerror(-r);
	}
}

/* Who unmounts, and mounts again at once, comes while the daemon before still ends: it is waited for. */
static int take_store(const char *path, struct store **store, const char **why)
{
	static const struct timespec a_little = { 0, 20000000 };
	int64_t until_ms = clock_ms() + STORE_WAIT_MS;
	int r;
	while ((r = store_new(path, store, why)) == -EBUSY && clock_ms() < until_ms)
		(void)nanosleep(&a_little, NULL);
	return r;
}

static int open_store(struct mount *mount)
{
	const char *path = mount->options.store_path, *why = "";
	int r = take_store(path, &mount->store, &why);
	if (r != 0)
		return fail(path, why);
	r = catalog_open(store_dir(mount->store), path, &mount->catalog);
	return r == 0 ? 0 : fail(path, catalog_words(r));
}

/* In the mount table, a comma or a backslash in the source has to be kept from meaning more. */
static void escape(const char *text, char *out, size_t size)
{
	size_t used = 0;
	for (; *text != '\0' && used + 2 < size; text++) {
		if (*text == ',' || *text == '\\')
			out[used++] = '\\';
		out[used++] = *text;
	}
	out[used] = '\0';
}

static int mount_session(struct mount *mount)
{
	char source[URL_SIZE], list[URL_SIZE + PATH_MAX + 64];
	escape(mount->options.base, source, sizeof(source));
	(void)snprintf(list, sizeof(list), "-osubtype=cometfs,fsname=%s%s", source,
		mount->options.fuse_options);
	char program[] = "cometfs", debug[] = "-d";
	char *argv[] = { program, list, debug, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(mount->options.debug ? 3 : 2, argv);

	mount->session = fuse_session_new(&args, &ops_table, sizeof(ops_table), mount);
	fuse_opt_free_args(&args);
	if (mount->session == NULL || mountpoint_mount(mount->session, mount->mountpoint) != 0)
		return fail(mount->mountpoint, mountpoint_fault());
	mounted = true;
	mount->device = mountpoint_device(mount->mountpoint);
	int r = shared_map_open(mount->session);
	return r == 0 ? 0 : fail(mount->mountpoint, strerror(-r));
}

static int start_engine(struct mount *mount)
{
	struct engine_options options;
	char why[512];

	options_engine(&mount->options, &options);
	options.park_ms = mount->park_ms;
	int r = options_key(&mount->options, options.key, why, sizeof(why));
	if (r != 0) {
		log_failure("%s", why);
		return EXIT_FAILURE;
	}
	r = engine_start(&options, mount->catalog, mount->store);
	return r == 0 ? 0 : fail(mount->options.store_path, catalog_words(r));
}

static void open_ops(const struct mount *mount)
{
	const struct ops_context context = {
		.owner = { .uid = mount->options.uid,
			.gid = mount->options.gid,
			.umask = mount->options.umask,
			.started_ms = clock_wall_ms() },
		.store = mount->store,
		.catalog = mount->catalog,
		.session = mount->session,
		.fuse_fd = fuse_session_fd(mount->session),
		.provider = mount->options.provider->name,
		.track_lookup = strcmp(mount->options.track, "lookup") == 0,
		.interval_watched_ms = (int64_t)(mount->options.interval_watched * 1000),
		.auto_unmount = mount->options.auto_unmount,
		.mountpoint = mount->mountpoint,
		.poll_rate = mount->options.poll_rate,
		.downloads = mount->options.downloads,
		.store_max = mount->options.store_max,
	};
	ops_open(&context);
}

/* ---- running ------------------------------------------------------------------------------------- */

static void on_nudge(int signal)
{
	(void)signal; /* its arrival ends a wait, that is all */
}

static void *run_session(void *arg)
{
	struct mount *mount = arg;
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	sigset_t nudge;

	(void)sigemptyset(&nudge);
	(void)sigaddset(&nudge, SIGUSR1);
	(void)pthread_sigmask(SIG_UNBLOCK, &nudge, NULL);
	if (config != NULL)
		(void)fuse_session_loop_mt(mount->session, config);
	fuse_loop_cfg_destroy(config);
	(void)kill(getpid(), SIGTERM); /* unmounted from outside: main waits for this */
	return NULL;
}

/* libfuse's loop waits where a flag does not reach it: it is nudged until it has seen it. */
static void end_session(struct mount *mount, pthread_t thread)
{
	struct timespec until;
	fuse_session_exit(mount->session);
	do {
		(void)pthread_kill(thread, SIGUSR1);
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 10000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
	} while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
}

static void reload_key(const struct mount *mount)
{
	char key[KEY_SIZE], why[512];
	if (options_key(&mount->options, key, why, sizeof(why)) == 0)
		engine_rekey(key);
	else
		log_error("the key stays as it was: %s", why);
	explicit_bzero(key, sizeof(key));
}

static void wait_for_end(const struct mount *mount)
{
	int signal = 0;
	while (sigwait(&mount->signals, &signal) == 0) {
		if (signal != SIGHUP)
			break;
		notify_reloading();
		reload_key(mount);
		notify_reloaded();
	}
}

/* Before there is a mount, which would be left behind dead. */
static void block_signals(sigset_t *signals)
{
	const struct sigaction nudge = { .sa_handler = on_nudge };

	(void)sigemptyset(signals);
	(void)sigaddset(signals, SIGTERM);
	(void)sigaddset(signals, SIGINT);
	(void)sigaddset(signals, SIGHUP);
	(void)sigaddset(signals, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, signals, NULL);
	(void)sigdelset(signals, SIGUSR1);
	(void)sigaction(SIGUSR1, &nudge, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error like a full disk */
}

static int run(struct mount *mount)
{
	pthread_t thread;

	mount->park_ms = limit_park_ms();
	open_ops(mount);
	int r = start_engine(mount);
	if (r != 0)
		return r;
	if (pthread_create(&thread, NULL, run_session, mount) != 0) {
		engine_stop();
		return fail(mount->mountpoint,
			"no thread can be started, is there a limit (ulimit -u)?");
	}
	echo_start(mount->session, notify_ready);
	background_ready();
	log_info("mounted at %s", mount->mountpoint);
	if (mount->park_ms < INT64_MAX)
		log_info("the kernel has a time limit: no read waits for longer than %.1f s",
			(double)mount->park_ms / 1000);
	wait_for_end(mount);
	notify_stopping();
	echo_stop();
	end_session(mount, thread);
	engine_stop();
	ops_close();
	log_info("unmounted from %s", mount->mountpoint);
	return EXIT_SUCCESS;
}

/* As many descriptors as we may have: each open video and each connection takes one. */
static void raise_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

/* No core dump would show the key. */
static void lock_memory(void)
{
	const struct rlimit none = { 0, 0 };
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
}

/* No mount: what is in the store is compared with what the catalog says of it. */
static int check_videos(struct mount *mount)
{
	if (!store_is_there(mount->options.store_path))
		return fail(mount->options.store_path, "no such store, name one with -o store=DIR");
	int r = open_store(mount);
	if (r == 0)
		r = check_store(mount->store, mount->catalog);
	if (r < 0)
		r = fail(mount->options.store_path, catalog_words(r));
	catalog_close(mount->catalog);
	store_free(mount->store);
	return r;
}

/* libfuse takes down what is there, also when ours has been detached and somebody else's is there now. */
static void unmount_session(struct mount *mount)
{
	dev_t device = mountpoint_device(mount->mountpoint);
	if (device == 0 || device == mount->device)
		fuse_session_unmount(mount->session);
}

static int serve(struct mount *mount)
{
	(void)umask(077);
	raise_files();
	echo_fork(mount->mountpoint);
	int r = open_store(mount);
	block_signals(&mount->signals);
	if (r == 0)
		r = mount_session(mount);
	lock_memory();
	if (r == 0)
		r = run(mount);
	if (mounted)
		unmount_session(mount);
	if (mount->session != NULL)
		fuse_session_destroy(mount->session);
	/* libfuse leaves a mount alone whose connection the kernel has ended: umount -f, a time limit. */
	if (mounted)
		(void)mountpoint_clear(mount->mountpoint);
	catalog_close(mount->catalog);
	store_free(mount->store);
	return r;
}

int main(int argc, char **argv)
{
	static struct mount mount;
	char why[512], key[KEY_SIZE];

	mountpoint_listen();
	notify_open();
	if (options_parse(&mount.options, argc, argv, why, sizeof(why)) != 0) {
		log_failure("%s", why);
		return EXIT_FAILURE;
	}
	if (mount.options.help)
		options_help();
	if (mount.options.version)
		(void)printf("cometfs %s\nlibfuse %s\n", COMETFS_VERSION, fuse_pkgversion());
	if (mount.options.help || mount.options.version)
		return EXIT_SUCCESS;
	if (mount.options.check)
		return check_videos(&mount);
	/* The key is read where it is used; here it is only tried, while there is a terminal. */
	int r = options_key(&mount.options, key, why, sizeof(why));
	explicit_bzero(key, sizeof(key));
	if (r != 0) {
		log_failure("%s", why);
		return EXIT_FAILURE;
	}
	log_open(mount.options.level, mount.options.form);
	if (check(&mount) != 0)
		return EXIT_FAILURE;
	if (!mount.options.foreground && background_fork(mount.mountpoint, &r))
		return r;
	return serve(&mount);
}
