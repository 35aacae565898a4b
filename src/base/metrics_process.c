#include <chatelaine/base_metrics.h>

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static struct metric_cell *resident, *cpu;

/* proc(5): the second number of statm is the resident pages. */
static int64_t resident_bytes(void)
{
        long long pages = 0;
        FILE *f = fopen("/proc/self/statm", "re");
        if (!f)
                return 0;
        if (fscanf(f, "%*s %lld", &pages) != 1)
                pages = 0;
        fclose(f);
        return pages * sysconf(_SC_PAGESIZE);
}

static int64_t us_of(struct timeval t)
{
        return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void collect(void *ctx)
{
        struct rusage usage;

        (void)ctx;
        metric_set(resident, resident_bytes());
        if (getrusage(RUSAGE_SELF, &usage) == 0)
                metric_set_us(cpu, us_of(usage.ru_utime) + us_of(usage.ru_stime));
}

void metrics_process(const char *version)
{
        if (resident)
                return;
        resident = metric_only(metric_family(METRIC_GAUGE, "process_resident_memory_bytes", "",
                                             "Resident memory of this process."));
        cpu = metric_only(metric_family(METRIC_COUNTER, "process_cpu_seconds_total", "",
                                        "User and system time of this process."));
        metric_set(METRIC_CELL(metric_family(METRIC_GAUGE, "chatelaine_build_info", "version",
                                             "Always 1; the label says which build this is."),
                               version),
                   1);
        metric_collect(collect, NULL);
}
