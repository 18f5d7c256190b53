package worker

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// report logs one line per attempt, with its outcome.
func (l *lane) report(ctx context.Context, d *delivery, r tasks.Record, cause error) {
	class, traceID := wecom.ClassOf(cause), d.describe(ctx, r, cause)
	if cause == nil && r.ErrMsg != "" {
		cause = errors.New(r.ErrMsg)
	}
	event := l.log.WithLevel(level(r)).AnErr("error", cause).Str(fields.MessageID, r.ID).Str(fields.MsgID, r.MsgID).
		Int64(fields.ErrCode, r.ErrCode).Stringer(fields.Class, class).Str(fields.Priority, string(r.Priority)).
		Str(fields.Queue, tasks.Queue(r.App, r.Priority)).Int(fields.Attempt, d.admission.Number).
		Int64(fields.Duration, time.Since(d.began).Milliseconds())
	if traceID != "" {
		event = event.Str(fields.TraceID, traceID)
	}
	event.Msg(string(r.State))
}

func level(r tasks.Record) zerolog.Level {
	switch {
	case r.State == tasks.Accepted && r.ErrMsg == "":
		return zerolog.InfoLevel
	case r.State.Dead():
		return zerolog.ErrorLevel
	default:
		return zerolog.WarnLevel
	}
}
