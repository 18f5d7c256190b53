package worker

import (
	"fmt"
	"strings"

	"github.com/rs/zerolog"
)

// asynqLogger passes what asynq says about itself to our log. Its info lines
// about starting and stopping are of use to nobody but a debugger.
type asynqLogger struct{ log zerolog.Logger }

// exhausted begins what asynq says of each dead letter, which we have reported.
const exhausted = "Retry exhausted"

func (l *asynqLogger) Debug(args ...any) { l.log.Trace().Msg(fmt.Sprint(args...)) }
func (l *asynqLogger) Info(args ...any)  { l.log.Debug().Msg(fmt.Sprint(args...)) }
func (l *asynqLogger) Warn(args ...any) {
	text := fmt.Sprint(args...)
	level := zerolog.WarnLevel
	if strings.HasPrefix(text, exhausted) {
		level = zerolog.DebugLevel
	}
	l.log.WithLevel(level).Msg(text)
}
func (l *asynqLogger) Error(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }

// Fatal only logs: asynq itself ends the process after a failed start, which
// Start reports to us.
func (l *asynqLogger) Fatal(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }
