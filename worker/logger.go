package worker

import (
	"fmt"
	"strings"

	"github.com/rs/zerolog"
)

// asynqLogger passes what asynq says about itself to our log. Its info lines
// about starting and stopping are of use to nobody but a debugger.
type asynqLogger struct {
	log    zerolog.Logger
	outage *outage
}

// exhausted is how asynq's line about a dead letter begins, which we have reported
// already; panicked is how its line about a panic of ours begins.
const (
	exhausted = "Retry exhausted"
	panicked  = "recovering from panic"
)

func (l *asynqLogger) Debug(args ...any) { l.log.Trace().Msg(fmt.Sprint(args...)) }
func (l *asynqLogger) Info(args ...any)  { l.log.Debug().Msg(fmt.Sprint(args...)) }
func (l *asynqLogger) Warn(args ...any)  { l.complain(zerolog.WarnLevel, fmt.Sprint(args...)) }
func (l *asynqLogger) Error(args ...any) { l.complain(zerolog.ErrorLevel, fmt.Sprint(args...)) }

// Fatal only logs: asynq itself ends the process after a failed start, which
// Start reports to us.
func (l *asynqLogger) Fatal(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }

func (l *asynqLogger) complain(level zerolog.Level, text string) {
	switch {
	case strings.HasPrefix(text, panicked):
	case strings.HasPrefix(text, exhausted):
		level = zerolog.DebugLevel
	default:
		level = l.outage.level(level)
	}
	l.log.WithLevel(level).Msg(text)
}
