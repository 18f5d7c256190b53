// Package admission_test measures how long one admission keeps Redis from serving
// anybody else:
//
//	go test -run '^$' -bench . -benchtime 100x ./bench/admission
//
// p50, p99 and p100 are Redis's own (INFO latencystats, 7.0 or later). They include time in
// which its process waits for a processor, so the machine should be otherwise idle. cpu does
// not: it is the total CPU time of the thread that runs commands, per admission.
package admission_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

const (
	recipients = 1000 // the maximum for one call
	workers    = 100
)

// crowd are the members that an app sends to, with a clock of its own.
type crowd struct {
	*testing.B
	rdb   redis.UniversalClient
	pacer *pacing.Pacer
	// broadcast whose calls the messages are, "" for none.
	broadcast string
	everyone  bool // the messages go to "@all"

	// At the start of the measurement: the CPU time of Redis's thread, and the newest id.
	cpu    time.Duration
	before int64

	mu  sync.Mutex
	now time.Time

	ids, strangers atomic.Int64
}

func newCrowd(b *testing.B) *crowd {
	b.Helper()
	c := &crowd{B: b, rdb: redistest.Start(b).Client(), now: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)}
	limits := tasks.DefaultLimits()
	limits.CallsPerMinute = 1 << 40
	c.pacer = pacing.New(c.rdb, pacing.Config{App: "ops", RecordTTL: time.Hour, Limits: limits, Now: c.clock})
	return c
}

func (c *crowd) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *crowd) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// named returns the first n members with this prefix.
func named(prefix string, n int) []string {
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	return users
}

// fresh returns members without earlier messages.
func (c *crowd) fresh(n int) []string {
	return named(fmt.Sprintf("stranger%d-", c.strangers.Add(1)), n)
}

// admit asks for the admission of one message.
func (c *crowd) admit(users []string) {
	c.Helper()
	n := int(c.ids.Add(1))
	id := fmt.Sprintf("ops-%d", n)
	if c.broadcast != "" {
		id = tasks.BroadcastCall{Broadcast: c.broadcast, Block: n / tasks.CallsPerBlock, Call: n % tasks.CallsPerBlock}.ID()
	}
	_, err := c.pacer.Admit(c.Context(), tasks.AdmissionRequest{
		Payload: tasks.Payload{
			ID: id, App: "ops", Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: c.clock(),
			Body: []byte(`{}`),
		},
		Policy: tasks.ResendPolicy{InFlight: time.Minute, Window: tasks.Forever, Resends: tasks.Unlimited},
		Users:  users, Everyone: c.everyone,
	})
	if err != nil {
		c.Error(err)
	}
}

// times asks n times, with time in between.
func (c *crowd) times(n int, between time.Duration, users []string) {
	for range n {
		c.admit(users)
		c.pass(between)
	}
}

// watch starts the measurement.
func (c *crowd) watch() {
	c.Helper()
	if err := c.rdb.ConfigSet(c.Context(), "latency-tracking-info-percentiles", "50 99 100").Err(); err != nil {
		c.Fatal(err)
	}
	if err := c.rdb.ConfigResetStat(c.Context()).Err(); err != nil {
		c.Fatal(err)
	}
	c.cpu, c.before = c.cpuTime(), c.ids.Load()
	c.ResetTimer()
}

// cpuTime is the CPU time so far of the thread that runs commands.
func (c *crowd) cpuTime() time.Duration {
	c.Helper()
	info, err := c.rdb.InfoMap(c.Context(), "cpu").Result()
	if err != nil {
		c.Fatal(err)
	}
	var seconds float64
	for _, part := range []string{"used_cpu_user_main_thread", "used_cpu_sys_main_thread"} {
		s, err := strconv.ParseFloat(info["CPU"][part], 64)
		if err != nil {
			c.Fatal(err)
		}
		seconds += s
	}
	return time.Duration(seconds * float64(time.Second))
}

// report reports how long the admissions kept Redis busy.
func (c *crowd) report() {
	c.Helper()
	c.StopTimer()
	cpu, admissions := c.cpuTime()-c.cpu, c.ids.Load()-c.before
	info, err := c.rdb.InfoMap(c.Context(), "latencystats").Result()
	if err != nil {
		c.Fatal(err)
	}
	for percentile := range strings.SplitSeq(info["Latencystats"]["latency_percentiles_usec_evalsha"], ",") {
		name, value, _ := strings.Cut(percentile, "=")
		µs, err := strconv.ParseFloat(value, 64)
		if err != nil {
			c.Fatal(err)
		}
		c.ReportMetric(µs, name+"-µs")
	}
	c.ReportMetric(float64(cpu.Microseconds())/float64(admissions), "cpu-µs")
	c.ReportMetric(0, "ns/op")
}

// situation is a state of the windows of a message's recipients.
type situation struct {
	name string
	// meet brings members into the situation, and is called before each admission.
	prepare, meet func(c *crowd, users []string)
	fresh         bool // each admission has different members
}

var situations = []situation{
	{name: "quiet", fresh: true},
	{
		name: "of a broadcast", fresh: true,
		prepare: func(c *crowd, _ []string) {
			c.broadcast = tasks.BroadcastIDFromKey("ops", "bench")
			if err := c.rdb.HSet(c.Context(), keys.Broadcast("ops", c.broadcast), "state", "running").Err(); err != nil {
				c.Fatal(err)
			}
		},
	},
	{
		// They have had all messages that a minute allows, and 64 messages wait for them.
		name:    "behind 64 promises",
		prepare: func(c *crowd, users []string) { c.times(27+64, 0, users) },
	},
	{
		name:    "behind 900 promises",
		prepare: func(c *crowd, users []string) { c.times(27+900, 0, users) },
	},
	{
		// The oldest of their 900 messages leaves the hour when the next comes.
		name:    "with full hours",
		prepare: func(c *crowd, users []string) { c.times(900, 4010*time.Millisecond, users) },
		meet:    func(c *crowd, _ []string) { c.pass(4010 * time.Millisecond) },
	},
	{
		// "@all" has had all messages that an hour allows, and each of them one message.
		name: "after 800 to all",
		prepare: func(c *crowd, users []string) {
			c.times(1, time.Second, users)
			c.everyone = true
			c.times(800, 4010*time.Millisecond, nil)
			c.everyone = false
		},
		meet: func(c *crowd, _ []string) { c.pass(4010 * time.Millisecond) },
	},
}

// begin returns a crowd in this situation, with n recipients.
func (s situation) begin(b *testing.B, n int) (*crowd, []string) {
	b.Helper()
	c, users := newCrowd(b), named("user", n)
	if s.prepare != nil {
		s.prepare(c, users)
	}
	c.watch()
	return c, users
}

// admit makes one admission in this situation.
func (s situation) admit(c *crowd, users []string) {
	if s.fresh {
		users = c.fresh(len(users))
	}
	if s.meet != nil {
		s.meet(c, users)
	}
	c.admit(users)
}

// BenchmarkAdmission measures the admissions of one worker.
func BenchmarkAdmission(b *testing.B) {
	for _, s := range situations {
		for _, n := range []int{1, recipients} {
			b.Run(fmt.Sprintf("%s/recipients=%d", s.name, n), func(b *testing.B) {
				c, users := s.begin(b, n)
				for b.Loop() {
					s.admit(c, users)
				}
				c.report()
			})
		}
	}
}

// BenchmarkAdmissionsOfAHundredWorkers measures each situation with a hundred concurrent workers and a thousand
// recipients each.
func BenchmarkAdmissionsOfAHundredWorkers(b *testing.B) {
	for _, s := range situations {
		b.Run(s.name, func(b *testing.B) {
			c, users := s.begin(b, recipients)
			for b.Loop() {
				var all sync.WaitGroup
				for range workers {
					all.Go(func() { s.admit(c, users) })
				}
				all.Wait()
			}
			c.report()
		})
	}
}
