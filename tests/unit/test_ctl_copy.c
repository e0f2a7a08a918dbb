/* SPDX-License-Identifier: MIT */
/* cometctl's copies: no half of a file ever has the final name, and nothing else is left behind. */
#include "scratch.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../../fs/ctl.h"

#define SIZE (3 * (1 << 20) + 17)
#define FEW 5 /* bytes of what was there before */

static char bytes[SIZE], read_back[SIZE + 1];

/* An open file with those bytes. */
static int source(void)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * 31 >> 3);
	write_file(in("source"), bytes, SIZE);
	int fd = open(in("source"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int go_on(void *arg, int64_t so_far)
{
	int64_t *last = arg;
	assert_true(so_far > *last);
	*last = so_far;
	return 0;
}

static int give_up(void *arg, int64_t so_far)
{
	(void)arg;
	return so_far > 1 << 20 ? -EINTR : 0;
}

/* How many names there are in a directory. */
static int names(const char *path)
{
	DIR *dir = opendir(path);
	int count = -2;
	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

static void assert_whole(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, read_back, sizeof(read_back)), SIZE);
	assert_memory_equal(read_back, bytes, SIZE);
	assert_int_equal(close(fd), 0);
}

/* Copies to dest; up to the end nothing changes there. before: names in the directory until then. */
static void copy_to(const char *dest, const char *dir, int before)
{
	struct ctl_target target;
	int from = source();
	int64_t last = 0;
	assert_int_equal(ctl_target_open(&target, dest, "id.mp4", false), 0);
	assert_int_equal(ctl_copy(target.fd, from, SIZE, go_on, &last), 0);
	assert_int_equal(last, SIZE);
	assert_int_equal(names(dir), before);
	assert_int_equal(ctl_target_finish(&target, false), 0);
	ctl_target_close(&target);
	assert_int_equal(close(from), 0);
}

static int make_out(void **state)
{
	if (setup(state) != 0 || mkdir(in("out"), 0700) != 0)
		return -1;
	(void)umask(022);
	return 0;
}

static void places(void **state)
{
	(void)state;
	copy_to(in("out"), in("out"), 0);
	assert_whole(in("out/id.mp4"));
	assert_int_equal(mode_of(in("out/id.mp4")), 0644);
	(void)umask(077);
	copy_to(in("out/other"), in("out"), 1);
	assert_whole(in("out/other"));
	assert_int_equal(mode_of(in("out/other")), 0600);
	assert_int_equal(chdir(in("out")), 0);
	assert_int_equal(unlink("id.mp4"), 0);
	copy_to(NULL, ".", 1);
	assert_whole(in("out/id.mp4"));
	assert_int_equal(names("."), 2);
	assert_int_equal(chdir("/"), 0);
}

/* What was there stays until the new one is whole, and a link to it stays a link. */
static void replaces(void **state)
{
	struct stat st;
	(void)state;
	write_file(in("out/id.mp4"), "old", 3);
	assert_int_equal(symlink("id.mp4", in("out/link")), 0);
	copy_to(in("out/link"), in("out"), 2);
	assert_whole(in("out/id.mp4"));
	assert_int_equal(lstat(in("out/link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(names(in("out")), 2);
}

static void assert_refused(const char *dest, bool keep, int error)
{
	struct ctl_target target;
	assert_int_equal(ctl_target_open(&target, dest, "id.mp4", keep), -error);
	ctl_target_close(&target);
}

static void refusals(void **state)
{
	(void)state;
	assert_refused(in("out/none/"), false, ENOENT);
	assert_refused(in("out/none/file"), false, ENOENT);
	assert_refused("", false, ENOENT);
	assert_refused("/dev/null", false, EEXIST);
	assert_int_equal(symlink("nowhere", in("out/link")), 0);
	assert_refused(in("out/link"), false, ENOENT);
	assert_int_equal(mkdir(in("out/id.mp4"), 0700), 0);
	assert_refused(in("out"), false, EEXIST);
	write_file(in("out/file"), "old", 3);
	assert_refused(in("out/file"), true, EEXIST);
	assert_int_equal(names(in("out")), 3);
}

/* Also when it comes while we copy. */
static void keeps(void **state)
{
	struct ctl_target target;
	struct stat st;
	(void)state;
	assert_int_equal(ctl_target_open(&target, in("out"), "id.mp4", true), 0);
	write_file(in("out/id.mp4"), "other", FEW);
	assert_int_equal(ctl_target_finish(&target, true), -EEXIST);
	ctl_target_close(&target);
	assert_int_equal(stat(in("out/id.mp4"), &st), 0);
	assert_int_equal(st.st_size, FEW);
	assert_int_equal(names(in("out")), 1);
}

static void ends_early(void **state)
{
	struct ctl_target target;
	int from = source();
	int64_t last = 0;
	(void)state;
	assert_int_equal(ctl_target_open(&target, in("out"), "id.mp4", false), 0);
	assert_int_equal(ctl_copy(target.fd, from, SIZE, give_up, NULL), -EINTR);
	/* A video that is shorter than it says is no video. */
	assert_int_equal(ctl_copy(target.fd, from, SIZE + 1, go_on, &last), -EIO);
	ctl_target_close(&target);
	assert_int_equal(close(from), 0);
	assert_int_equal(names(in("out")), 0);
}

static void full_disk(void **state)
{
	struct ctl_target target;
	int64_t last = 0;
	(void)state;
	if (!mount_disk("size=2m"))
		return;
	int from = source();
	assert_int_equal(ctl_target_open(&target, in("disk"), "id.mp4", false), 0);
	assert_int_equal(ctl_copy(target.fd, from, SIZE, go_on, &last), -ENOSPC);
	/* Before a byte of it is written. */
	assert_int_equal(last, 0);
	ctl_target_close(&target);
	assert_int_equal(close(from), 0);
	assert_int_equal(names(in("disk")), 0);
}

/* From now on nobody makes a file without a name here, nor renames with a flag, as on NFS. */
static void forbid_nameless(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_renameat2, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 4),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	assert_int_equal(open(in("out"), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), -1);
	assert_int_equal(errno, EOPNOTSUPP);
}

/* The last one. */
static void with_names(void **state)
{
	struct ctl_target target;
	(void)state;
	forbid_nameless();
	copy_to(in("out"), in("out"), 1);
	assert_whole(in("out/id.mp4"));
	assert_int_equal(mode_of(in("out/id.mp4")), 0644);
	copy_to(in("out/id.mp4"), in("out"), 2);
	assert_int_equal(names(in("out")), 1);
	/* Given up, it is gone; what somebody else made meanwhile is not. */
	assert_int_equal(ctl_target_open(&target, in("out"), "other", true), 0);
	assert_int_equal(names(in("out")), 2);
	write_file(in("out/other"), "other", FEW);
	assert_int_equal(ctl_target_finish(&target, true), -EEXIST);
	ctl_target_close(&target);
	assert_int_equal(names(in("out")), 2);
	assert_int_equal(ctl_target_open(&target, in("out"), "third", true), 0);
	assert_int_equal(ctl_target_finish(&target, true), 0);
	ctl_target_close(&target);
	assert_int_equal(names(in("out")), 3);
	assert_int_equal(access(in("out/third"), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(places, make_out, teardown),
		cmocka_unit_test_setup_teardown(replaces, make_out, teardown),
		cmocka_unit_test_setup_teardown(refusals, make_out, teardown),
		cmocka_unit_test_setup_teardown(keeps, make_out, teardown),
		cmocka_unit_test_setup_teardown(ends_early, make_out, teardown),
		cmocka_unit_test_setup_teardown(full_disk, make_out, teardown),
		cmocka_unit_test_setup_teardown(with_names, make_out, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
