/*
 * A guest book in plain C, for tests: each message adds a line to book/<year>.txt, which is renamed, listed and measured as
 * programs do. "Action" says what to do; the parser is as small as the test allows.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char message[65536];

/* The text behind "name":" up to the next quote; what is escaped in it stays so. */
static const char *field(const char *name, char *into, size_t size) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":\"", name);
  const char *at = strstr(message, key);
  if (at == NULL) return NULL;
  at += strlen(key);
  size_t length = strcspn(at, "\"");
  if (length >= size) length = size - 1;
  memcpy(into, at, length);
  into[length] = 0;
  return into;
}

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static int sign(const char *text) {
  time_t now = time(NULL);
  char path[64];
  strftime(path, sizeof path, "book/%Y.txt", gmtime(&now));
  if (mkdir("book", 0777) != 0 && errno != EEXIST) fail("mkdir");
  FILE *book = fopen(path, "a+");
  if (book == NULL) fail("fopen");
  if (fprintf(book, "%s\n", text) < 0 || fclose(book) != 0) fail("write");
  struct stat facts;
  if (stat(path, &facts) != 0) fail("stat");
  printf("{\"reply\":%lld}\n", (long long)facts.st_size);
  return 0;
}

static int list(void) {
  DIR *folder = opendir("book");
  if (folder == NULL) fail("opendir");
  int files = 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) files += entry->d_name[0] != '.';
  closedir(folder);
  printf("{\"reply\":{\"files\":%d,\"root\":%.6f}}\n", files, sqrt(files + 1.0));
  return 0;
}

static int move(void) {
  if (rename("book", "old") != 0) fail("rename");
  if (access("book", F_OK) == 0) return 2;
  puts("{\"reply\":\"moved\"}");
  return 0;
}

/* Writes far behind the end, cuts, reads back: what a small database does. */
static int punch(void) {
  int file = open("blob", O_RDWR | O_CREAT, 0666);
  if (file < 0) fail("open");
  if (pwrite(file, "end", 3, 50000) != 3 || ftruncate(file, 50002) != 0) fail("pwrite");
  char back[4] = {0};
  if (pread(file, back, 3, 50000) != 2 || lseek(file, 0, SEEK_END) != 50002) fail("pread");
  close(file);
  printf("{\"reply\":\"%s\"}\n", back);
  return 0;
}

int main(int count, char **arguments) {
  size_t length = fread(message, 1, sizeof message - 1, stdin);
  message[length] = 0;
  char action[64] = "", data[4096] = "";
  field("action", action, sizeof action);
  field("data", data, sizeof data);
  if (strcmp(action, "Sign") == 0) return sign(data);
  if (strcmp(action, "List") == 0) return list();
  if (strcmp(action, "Move") == 0) return move();
  if (strcmp(action, "Punch") == 0) return punch();
  if (strcmp(action, "Who") == 0) {
    const char *home = getenv("HOME");
    printf("{\"reply\":[%d,\"%s\",\"%s\"]}\n", count, arguments[count - 1], home == NULL ? "" : home);
    return 0;
  }
  if (strcmp(action, "Sleep") == 0) {
    time_t before = time(NULL);
    struct timespec hour = {3600, 0};
    nanosleep(&hour, NULL);
    printf("{\"reply\":%lld}\n", (long long)(time(NULL) - before));
    return 0;
  }
  fprintf(stderr, "no such action: %s\n", action);
  return 3;
}
