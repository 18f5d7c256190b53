package worker

import (
	"fmt"
	"strings"

	"github.com/rs/zerolog"
)

// asynqLogger passes asynq's log lines to our log. Its info lines about starting and
// stopping are only useful for debugging.
type asynqLogger struct {
	log    zerolog.Logger
	outage *outage
}

// exhausted begins asynq's log line about a dead letter, which we have logged already; panicked begins the
// one about a panic in a handler.
const (
	exhausted = "Retry exhausted"
	panicked  = "recovering from panic"
	// deaf begins the line about the missing subscription: our handlers are not cancelled
	// (asynqx.WorkerClient.Subscribe).
	deaf = "cannot subscribe to cancelation channel"
)

func (l *asynqLogger) Debug(args ...any) { l.log.Trace().Msg(fmt.Sprint(args...)) }
func (l *asynqLogger) Info(args ...any)  { l.log.Debug().Msg(fmt.Sprint(args...)) }
func (l *asynqLogger) Warn(args ...any)  { l.complain(zerolog.WarnLevel, fmt.Sprint(args...)) }
func (l *asynqLogger) Error(args ...any) { l.complain(zerolog.ErrorLevel, fmt.Sprint(args...)) }

// Fatal only logs: the logger must not end the process.
func (l *asynqLogger) Fatal(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }

func (l *asynqLogger) complain(level zerolog.Level, text string) {
	switch {
	case strings.HasPrefix(text, panicked):
	case strings.HasPrefix(text, exhausted), strings.HasPrefix(text, deaf):
		level = zerolog.DebugLevel
	default:
		level = l.outage.level(level)
	}
	l.log.WithLevel(level).Msg(text)
}
