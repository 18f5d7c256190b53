// Package memory_test measures the size of wecomq's data in Redis, in bytes each. Run it
// with enough iterations for a steady figure:
//
//	go test -run '^$' -bench . -benchtime 9000x ./bench/memory
//
// asynq keeps 9,999 archived tasks, so more iterations would give too low a figure.
package memory_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// content is an alert of 270 bytes.
var content = strings.Repeat("磁盘空间不足 db-03 /data 93% ", 8)[:270]

// compact lets Redis store hashes compactly that have a longer value than 64 bytes: a task has, and a record with its msgid.
const compact = "hash-max-listpack-value 2048"

func users(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("user%05d", i) // of 9 bytes
	}
	return strings.Join(ids, "|")
}

func text(to string) message.SendTextRequest {
	return message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: to}, Text: message.TextField{Content: content},
	}
}

// used is the memory of Redis's data including its index.
func used(b *testing.B, rdb redis.UniversalClient) int {
	b.Helper()
	info, err := rdb.InfoMap(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	n, err := strconv.Atoi(info["Memory"]["used_memory"])
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// measure reports how many bytes each call of add leaves in Redis.
func measure(b *testing.B, rdb redis.UniversalClient, add func(i int)) {
	b.Helper()
	measureMany(b, rdb, 1, add)
}

// measureMany is like measure, for an add that adds many at a time.
func measureMany(b *testing.B, rdb redis.UniversalClient, many int, add func(i int)) {
	b.Helper()
	add(-1) // scripts and connections
	before, n := used(b, rdb), 0
	for b.Loop() {
		add(n)
		n++
	}
	b.ReportMetric(float64(used(b, rdb)-before)/float64(n*many), "B/each")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkQueuedMessage(b *testing.B) {
	many := text(users(1000))
	checked := func(i int) message.Request {
		m := text("user00001")
		m.EnableDuplicateCheck, m.Text.Content = 1, content[:200]+strconv.Itoa(i)
		return m
	}
	one := func(int) producer.Message { return producer.Message{Request: text("user00001")} }
	for name, m := range map[string]func(i int) producer.Message{
		"to=1":         one,
		"to=1,compact": one,
		"to=1000":      func(int) producer.Message { return producer.Message{Request: many} },
		"to=1,idempotency_key": func(i int) producer.Message {
			return producer.Message{Request: text("user00001"), Options: producer.Options{IdempotencyKey: strconv.Itoa(i)}}
		},
		"to=1,duplicate_check": func(i int) producer.Message { return producer.Message{Request: checked(i)} },
	} {
		b.Run(name, func(b *testing.B) {
			config := ""
			if strings.HasSuffix(name, "compact") {
				config = compact
			}
			rdb := redistest.Start(b, config).Client()
			p, err := producer.New(rdb, producer.Config{App: "ops"})
			if err != nil {
				b.Fatal(err)
			}
			measure(b, rdb, func(i int) {
				m := m(i)
				if _, err := p.Send(b.Context(), m.Request, m.Options); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	const errMsg = "message/send: errcode 81013: user, party and tag are all invalid or not in the visible range (invalid user)"
	accepted := tasks.Settlement{State: tasks.Accepted}
	rejected := tasks.Settlement{State: tasks.Rejected, ErrCode: 81013, ErrMsg: errMsg}
	partial := tasks.Settlement{State: tasks.Partial, ErrMsg: "WeCom took the message but refused 10 of its recipients"}
	partial.Recipients.Invalid = strings.Split(users(10), "|")
	for name, tc := range map[string]struct {
		to     int
		s      tasks.Settlement
		config string
	}{
		"accepted,to=1":         {1, accepted, ""},
		"accepted,to=1,compact": {1, accepted, compact},
		"accepted,to=1000":      {1000, accepted, ""},
		"partial,to=1000":       {1000, partial, ""},
		"rejected,to=1":         {1, rejected, ""},
		"rejected,to=1,compact": {1, rejected, compact},
		"rejected,to=1000":      {1000, rejected, ""},
	} {
		b.Run(name, func(b *testing.B) {
			rdb := redistest.Start(b, tc.config).Client()
			l := ledger.New(rdb, "ops", time.Hour)
			pacer := pacing.New(rdb, pacing.Config{
				App: "ops", RecordTTL: time.Hour, Limits: tasks.Limits{CallsPerMinute: 1 << 40, MemberPerMinute: 30, MemberPerHour: 1000},
			})
			body, err := message.Encode(text(users(tc.to)))
			if err != nil {
				b.Fatal(err)
			}
			measure(b, rdb, func(int) {
				p := tasks.Payload{
					ID: tasks.NewID("ops"), App: "ops", Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: time.Now(), Body: body,
				}
				s := tc.s
				if s.State.Sent() {
					s.MsgID = fmt.Sprintf("%s%060d", p.ID, 0) // of 90 bytes, as WeCom's
				}
				// Without users, whose windows are measured elsewhere.
				if _, err := pacer.Admit(b.Context(), tasks.AdmissionRequest{Payload: p, Delivery: p.ID[len(p.ID)-10:]}); err != nil {
					b.Fatal(err)
				}
				if _, err := l.Settle(b.Context(), p, s); err != nil {
					b.Fatal(err)
				}
				// The stream of results keeps ten thousand, however many records there are.
				if err := rdb.Del(b.Context(), keys.Results("ops")).Err(); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkRetainedTask measures a finished task that asynq keeps for the dashboard: the message, and the record
// as its result.
func BenchmarkRetainedTask(b *testing.B) {
	for name, tc := range map[string]struct {
		end    error
		config string
	}{
		"completed":         {nil, ""},
		"completed,compact": {nil, compact},
		"archived":          {asynq.SkipRetry, ""},
	} {
		b.Run(name, func(b *testing.B) {
			rdb := redistest.Start(b, tc.config).Client()
			p, err := producer.New(rdb, producer.Config{App: "ops"})
			if err != nil {
				b.Fatal(err)
			}
			ended := make(chan struct{})
			result, err := tasks.Record{
				ID: tasks.NewID("ops"), App: "ops", Type: message.TypeText, State: tasks.Accepted, MsgID: strings.Repeat("m", 90),
				EnqueuedAt: time.Now(), FinishedAt: time.Now(),
			}.JSON()
			if err != nil {
				b.Fatal(err)
			}
			server := asynq.NewServerFromRedisClient(rdb, asynq.Config{
				Concurrency: 1, Queues: map[string]int{"ops:default": 1}, LogLevel: asynq.FatalLevel, TaskCheckInterval: time.Millisecond,
			})
			err = server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
				_, err := task.ResultWriter().Write(result)
				ended <- struct{}{}
				return errors.Join(err, tc.end)
			}))
			if err != nil {
				b.Fatal(err)
			}
			defer server.Shutdown()
			measure(b, rdb, func(int) {
				if _, err := p.Send(b.Context(), text("user00001"), producer.Options{}); err != nil {
					b.Fatal(err)
				}
				<-ended
			})
		})
	}
}

// BenchmarkMemberWindow measures the windows of a member, which are kept for an hour after
// the last message. Each round is a hundred members:
//
//	go test -run '^$' -bench MemberWindow -benchtime 20x ./bench/memory
func BenchmarkMemberWindow(b *testing.B) {
	const members = 100
	for _, messages := range []int{1, 27, 900} {
		b.Run(fmt.Sprintf("messages=%d", messages), func(b *testing.B) {
			rdb, now := redistest.Start(b).Client(), time.Now()
			pacer := pacing.New(rdb, pacing.Config{
				App: "ops", RecordTTL: time.Hour, Now: func() time.Time { return now },
				Limits: tasks.Limits{CallsPerMinute: 1 << 40, MemberPerMinute: 30, MemberPerHour: 1000},
			})
			measureMany(b, rdb, members, func(i int) {
				to := make([]string, members)
				for k := range to {
					to[k] = fmt.Sprintf("user%05d", i*members+k) // of 9 bytes
				}
				for range messages {
					p := tasks.Payload{ID: tasks.NewID("ops"), App: "ops", Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: now}
					if a, err := pacer.Admit(b.Context(), tasks.AdmissionRequest{Payload: p, Users: to}); err != nil || a.Verdict != tasks.Go {
						b.Fatal(a, err)
					}
					if err := rdb.Del(b.Context(), keys.Record("ops", p.ID), keys.Records("ops")).Err(); err != nil {
						b.Fatal(err)
					}
					now = now.Add(4010 * time.Millisecond)
				}
			})
		})
	}
}
