package gateway

import (
	"context"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Services are what the gateway passes requests on to. Queue and Records are
// required; an operation whose service is nil answers 501.
type Services struct {
	Queue     Queue
	Records   Records
	Canceller Canceller
	Recaller  Recaller
	Replayer  Replayer
	Apps      AppLister
	// Ready says why nothing can be stored, nil if it can. Anybody may ask, so the
	// whole error goes into the log only; what its method Brief returns, if it has
	// one, is the answer.
	Ready func(context.Context) error
}

// Queue enqueues messages of one app, each by itself, and returns a result for
// each, in order. A nil error means that the message is in Redis, [ErrUnavailable]
// that Redis did not confirm it; with any other the message itself is at fault.
type Queue interface {
	Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result
}

// Records finds the record of a message, merged from its parts.
type Records interface {
	Record(ctx context.Context, app, id string) (tasks.Record, error)
}

// Canceller takes a message back that was not sent yet; [ErrConflict] says that
// it is too late.
type Canceller interface {
	Cancel(ctx context.Context, app, id string) (tasks.Record, error)
}

// Recaller takes a message back, wherever it is: out of the queue, or from WeCom's
// clients within 24 h (94867). What WeCom refuses is also a *wecom.Error.
type Recaller interface {
	Recall(ctx context.Context, app, id string) (tasks.Record, error)
}

// Replayer sends a dead letter again, as another message: one for each part that
// failed.
type Replayer interface {
	Replay(ctx context.Context, app, id string) ([]Replay, error)
}

// Replay is a message that is sent again as another one.
type Replay struct {
	ID         string `json:"id" doc:"Of the message, or part, that was sent in vain"`
	ReplayedAs string `json:"replayed_as" doc:"Of the message that takes its place"`
	Recipients int    `json:"recipients" doc:"Those who did not get the first one"`
	Duplicate  bool   `json:"duplicate" doc:"It had been replayed before; nothing was done"`
	Warning    string `json:"warning,omitempty" doc:"Says so when WeCom may have taken the first one"`
}

// AppLister tells how all apps are.
type AppLister interface {
	Apps(ctx context.Context) ([]AppStatus, error)
}

// AppStatus is how an app is.
type AppStatus = apps.Status

// WeCom is WeCom's API for one app. [*wecom.Client] is one.
type WeCom interface {
	Post(ctx context.Context, api string, body []byte, reply any) error
	UploadMedia(ctx context.Context, kind wecom.MediaType, filename string, content []byte) (*wecom.Media, error)
}
