package worker

import (
	"fmt"

	"github.com/rs/zerolog"
)

// asynqLogger passes what asynq says about itself to our log. Its info lines
// about starting and stopping are of use to nobody but a debugger.
type asynqLogger struct{ log zerolog.Logger }

func (l *asynqLogger) Debug(args ...any) { l.log.Trace().Msg(fmt.Sprint(args...)) }
func (l *asynqLogger) Info(args ...any)  { l.log.Debug().Msg(fmt.Sprint(args...)) }
func (l *asynqLogger) Warn(args ...any)  { l.log.Warn().Msg(fmt.Sprint(args...)) }
func (l *asynqLogger) Error(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }

// Fatal only logs: asynq itself ends the process after a failed start, which
// Start reports to us.
func (l *asynqLogger) Fatal(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }
