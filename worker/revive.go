package worker

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/tasks"
)

// archivedPattern extracts from a task's last error the attempt after which it was archived. Only an archived
// task has it: if the archiving did not reach Redis, the task returns with the error of its lost lease.
var archivedPattern = regexp.MustCompile(` \[attempt (\d+)` + regexp.QuoteMeta(archivedMark) + `$`)

// archivedMark is the end of that error.
var archivedMark = "]: " + asynq.SkipRetry.Error()

// archived tells asynq to archive the task of a dead letter, with an error that ends
// with the number of the attempt.
func archived(record tasks.Record, cause error) error {
	if cause == nil {
		cause = errors.New(record.ErrMsg)
	}
	return deadLetter(fmt.Errorf("%w [attempt %d]", cause, record.Attempts))
}

func archivedAfter(lastErr string) (attempts int, ok bool) {
	match := archivedPattern.FindStringSubmatch(lastErr)
	if match == nil {
		return 0, false
	}
	attempts, err := strconv.Atoi(match[1])
	return attempts, err == nil
}

// revive queues a dead letter again after its archived task was run in the dashboard. It does nothing for a
// mere redelivery: then the task was not archived, or the record has had another attempt since. Nor does it
// while the delivery that ended the message archives the task: then the task is not active any more.
func (l *lane) revive(ctx context.Context, d *delivery, record tasks.Record) (bool, error) {
	if !record.State.Dead() {
		return false, nil
	}
	info, err := asynq.NewInspectorFromRedisClient(l.cfg.Redis).GetTaskInfo(tasks.Queue(l.app.Name, d.payload.Priority), d.payload.ID)
	if asynqx.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the task of %s: %w", d.payload.ID, err)
	}
	attempts, ok := archivedAfter(info.LastErr)
	if !ok || info.State != asynq.TaskStateActive {
		return false, nil
	}
	revived, err := l.app.Ledger.Revive(ctx, d.payload.ID, attempts)
	if revived {
		l.log.Info().Str(fields.MessageID, d.payload.ID).Msg("run again from the dashboard")
	}
	return revived, err
}

// runAgain retries a revived message at once, or later if Redis did not answer.
func runAgain(err error) error {
	if err != nil {
		return later(err, redisRetry)
	}
	return later(errors.New("run again from the dashboard"), 0)
}
