package audit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
)

// BenchmarkAudit audits ten thousand records, each tenth with a task, and a thousand tasks
// without a record. The time for a million records is about a hundred times as long.
func BenchmarkAudit(b *testing.B) {
	const records = 10_000
	books := newBundle(b, redistest.New(b), "ops")
	for range records / 1000 {
		var queued []asynqx.Task
		_, err := books.rdb.Pipelined(b.Context(), func(pipe redis.Pipeliner) error {
			for i := range 1000 {
				p := books.payload("ops", fmt.Sprintf("user%d|user%d", i, i+1))
				state := "accepted"
				if i%10 == 0 {
					state = "held"
					queued = append(queued, asynqx.NewTask(p, time.Hour, time.Now().Add(time.Hour)))
				}
				pipe.HSet(b.Context(), keys.Record("ops", p.ID), "state", state, "accepted", 2, "to_user", fmt.Sprintf("user%d|user%d", i, i+1),
					"type", "text", "priority", "default", "enqueued_at", p.EnqueuedAt.UnixMilli(), "finished_at", p.EnqueuedAt.UnixMilli(),
					"msgid", "msgid-"+p.ID, "errmsg", "", "errcode", 0, "attempts", 1, "attempt_at", p.EnqueuedAt.UnixMilli())
			}
			return nil
		})
		books.must(err)
		for i := range 100 {
			queued = append(queued, asynqx.NewTask(books.payload("ops", fmt.Sprintf("user%d", i)), time.Hour, time.Time{}))
		}
		for _, result := range asynqx.BulkEnqueue(b.Context(), books.rdb, time.Now(), queued) {
			books.must(result.Err)
		}
	}
	for b.Loop() {
		if result := books.audit(audit.Options{}); result.Imbalance > 0 || result.Apps[0].Messages != records+records/10 {
			b.Fatalf("%+v", result)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e6/records, "s/million")
}

// BenchmarkAuditOfAQueue audits ten thousand tasks without a record.
func BenchmarkAuditOfAQueue(b *testing.B) {
	const queued = 10_000
	books := newBundle(b, redistest.New(b), "ops")
	for range queued / 1000 {
		all := make([]asynqx.Task, 1000)
		for i := range all {
			all[i] = asynqx.NewTask(books.payload("ops", fmt.Sprintf("user%d", i)), time.Hour, time.Time{})
		}
		for _, result := range asynqx.BulkEnqueue(b.Context(), books.rdb, time.Now(), all) {
			books.must(result.Err)
		}
	}
	for b.Loop() {
		if result := books.audit(audit.Options{}); result.Imbalance > 0 || result.Apps[0].Messages != queued {
			b.Fatalf("%+v", result)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e6/queued, "s/million")
}
