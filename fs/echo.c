/* SPDX-License-Identifier: MIT */
/*
 * The process has no descriptor but its end of a socket, and only does what it is told there. It is
 * a process since a thread of ours that waits for our own answers could keep us from ending. It
 * goes when the socket does, and is known by its number, which nobody else has until it is waited for.
 */
#include "echo.h"

#include "base.h"
#include "job.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* One thing to do. */
struct order {
	unsigned what; /* one of JOB_NEWS_…; 0: look where the mount is */
	char id[ID_SIZE];
};

static struct fuse_session *session;
static void (*on_answer)(void);
static pthread_t thread;
static bool running;
static atomic_bool stopping;
static int order_fd = -1;
static _Atomic pid_t helper;
/* What it is doing. */
static _Atomic uint64_t making_serial;
static atomic_uint making_what;

/* ---- the process ------------------------------------------------------------------------------- */

static int make(int dir, const char *path)
{
	/* EXCL has the kernel ask again whether it is there. */
	int fd = openat(dir, path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

/*
 * An attribute that nobody has is taken away: that is told as ATTRIB, and the kernel learns nothing
 * by it. Were the times set, it would take what we answer for the times of the pages that it has, and
 * keep them, although they are of the document before.
 */
static int touch(int dir, const char *path)
{
	int error =
		fchdir(dir) != 0 || lremovexattr(path, "system.cometfs.changed") != 0 ? errno : 0;
	if (chdir("/") != 0)
		_exit(EXIT_FAILURE);
	return error;
}

static int obey(int dir, const struct order *order)
{
	char path[ID_SIZE + 64];
	const char *file = order->what == JOB_NEWS_STATE   ? "/" NAME_STATUS
			   : order->what == JOB_NEWS_VIDEO ? "/" NAME_VIDEO
							   : "";
	(void)snprintf(path, sizeof(path), NAME_JOBS "/%s%s", order->id, file);
	if (order->what == JOB_NEWS_VIDEO)
		return make(dir, path);
	if (order->what == JOB_NEWS_STATE)
		return touch(dir, path);
	return mkdirat(dir, path, 0755) == 0 ? 0 : errno;
}

/* Somebody may have mounted something else there since. Nothing stays open: that would keep it busy. */
static int act(const char *mountpoint, const struct order *order)
{
	static dev_t device;
	struct stat st;
	int dir = open(mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = dir >= 0 && fstat(dir, &st) == 0 ? 0 : errno;
	if (error == 0 && order->what == 0)
		device = st.st_dev;
	else if (error == 0)
		error = st.st_dev == device ? obey(dir, order) : ESTALE;
	if (dir >= 0)
		(void)close(dir);
	return error;
}

_Noreturn static void run_helper(const char *mountpoint, int fd)
{
	struct order order;
	(void)prctl(PR_SET_NAME, "cometfs-echo");
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)dup2(fd, 0);
	if (chdir("/") != 0)
		_exit(EXIT_FAILURE);
	(void)close_range(1, ~0U, 0);
	while (recv(0, &order, sizeof(order), 0) == sizeof(order)) {
		int error = act(mountpoint, &order);
		if (send(0, &error, sizeof(error), MSG_NOSIGNAL) != sizeof(error))
			break;
	}
	_exit(EXIT_SUCCESS);
}

void echo_fork(const char *mountpoint)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return;
	pid_t pid = fork();
	if (pid == 0)
		run_helper(mountpoint, fds[1]);
	(void)close(fds[1]);
	order_fd = fds[0];
	helper = pid;
}

/* ---- the thread -------------------------------------------------------------------------------- */

/* 0, or why it was not done. */
static int send_order(unsigned what, const char *id)
{
	struct order order = { .what = what };
	int error = EPIPE;
	memcpy(order.id, id, strlen(id) + 1);
	if (send(order_fd, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order) ||
		recv(order_fd, &error, sizeof(error), 0) != sizeof(error))
		return EPIPE;
	return error;
}

/* What is wrong once is wrong each time. */
static void say_fault(int error)
{
	static int said;
	if (error == 0 || error == said || stopping)
		return;
	said = error;
	log_info("programs that watch files are not told of changes: %s", strerror(error));
}

/* Not when the job was forgotten meanwhile, or its video removed: then it is no fault. */
static bool is_still_so(const struct job_news *news, unsigned what)
{
	struct job_view view;
	return job_get(news->serial, &view) == 0 &&
	       (what != JOB_NEWS_VIDEO || view.job.video == VIDEO_READY);
}

static void order_for(const struct job_news *news, unsigned what)
{
	if ((news->what & what) == 0 || !is_still_so(news, what))
		return;
	making_serial = news->serial;
	making_what = what;
	int error = send_order(what, news->id);
	making_what = 0;
	if (error != 0 && is_still_so(news, what))
		say_fault(error);
}

/*
 * Pages are dropped too, for who has the document mapped, or sends it by sendfile from a descriptor that
 * he holds: then the kernel asks for no attributes. And a look-up that was on its way while the change
 * was made may have brought old attributes of an inode that the kernel did not have before.
 */
static void tell(const struct job_news *news)
{
	if (news->what & JOB_NEWS_SIZE)
		job_settle_size(news->serial);
	if (news->what & JOB_NEWS_STATE)
		(void)fuse_lowlevel_notify_inval_inode(
			session, tree_inode(news->serial, TREE_STATUS), 0, 0);
	order_for(news, JOB_NEWS_TRACKED);
	order_for(news, JOB_NEWS_STATE);
	order_for(news, JOB_NEWS_VIDEO);
}

static void *run_echo(void *arg)
{
	struct job_news news;
	(void)arg;
	int error = send_order(0, "");
	say_fault(error);
	if (error == 0)
		on_answer();
	while (job_news_wait(&news))
		tell(&news);
	return NULL;
}

void echo_start(struct fuse_session *s, void (*when_it_answers)(void))
{
	sigset_t all, before;
	session = s;
	on_answer = when_it_answers;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	running = pthread_create(&thread, NULL, run_echo, NULL) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/*
 * Not even killed does it go while the kernel keeps it waiting: behind a look-up in the same
 * directory, which may wait for the provider. It goes when that ends, as it does with us.
 */
static void end_helper(void)
{
	static const struct timespec a_little = { 0, 1000000 };
	(void)kill(helper, SIGKILL);
	for (int i = 0; i < 1000 && waitpid(helper, NULL, WNOHANG) == 0; i++)
		(void)nanosleep(&a_little, NULL);
}

/* The thread has its answer, whatever the process does, when the socket is shut. */
void echo_stop(void)
{
	stopping = true;
	job_news_stop();
	if (order_fd >= 0)
		(void)shutdown(order_fd, SHUT_RDWR);
	if (running)
		(void)pthread_join(thread, NULL);
	if (order_fd >= 0)
		(void)close(order_fd);
	if (helper > 0)
		end_helper();
	running = false;
	order_fd = -1;
	helper = 0;
}

bool echo_asks(fuse_req_t req)
{
	pid_t pid = fuse_req_ctx(req)->pid;
	return pid > 0 && pid == helper;
}

bool echo_makes(uint64_t serial, unsigned what)
{
	return making_what == what && making_serial == serial;
}
