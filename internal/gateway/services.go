package gateway

import (
	"context"
	"time"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Services are the services behind the gateway. Queue and Records are required; an operation whose service is
// nil answers 501.
type Services struct {
	Queue      Queue
	Records    Records
	Searcher   Searcher
	Canceller  Canceller
	Recaller   Recaller
	Replayer   Replayer
	Cards      CardUpdater
	Apps       AppLister
	Media      MediaKeeper
	Broadcasts Broadcasts
	Sessions   Sessions
	// Unknown counts messages of the WeCom-compatible API that were passed on with a type or members unknown to
	// wecomq; nil for none.
	Unknown func(app string, what Unknown)
	// AuthFailed counts tokens that were not admitted; nil for none.
	AuthFailed func(Door)
	// TokenUsed is called with the name of each token that was accepted; it must not block. nil for none.
	TokenUsed func(name string)
	// Forbidden counts messages that a token may never send, by its limit; nil for none.
	Forbidden func(token, limit string)
	// Ready returns why nothing can be stored, or nil. The probe is public, so the error itself is only logged;
	// clients see the result of its method Brief, if it has one.
	Ready func(context.Context) error
}

// Unknown is a kind of unknown part of a message.
type Unknown string

// The unknown parts of a message.
const (
	UnknownMember Unknown = "member"
	UnknownType   Unknown = "msgtype"
)

// Unknowns lists all kinds.
func Unknowns() []Unknown { return []Unknown{UnknownMember, UnknownType} }

// Queue enqueues messages of one app independently of each other, and returns their results in order. A nil
// error means that the message is in Redis, [ErrUnavailable] that Redis did not confirm it; any other is the
// message's own fault.
type Queue interface {
	Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result
}

// Records finds the record of a message, merged from its parts.
type Records interface {
	Record(ctx context.Context, app, id string) (tasks.Record, error)
}

// Searcher lists messages of some apps.
type Searcher interface {
	Search(ctx context.Context, apps []string, q lookup.Query) (lookup.Page, error)
}

// Canceller cancels a message that was not sent yet. [ErrConflict] means that it is too late.
type Canceller interface {
	Cancel(ctx context.Context, app, id string) (tasks.Record, error)
}

// Recaller cancels a queued message, or recalls a sent one from WeCom's clients
// within 24 h (94867). If WeCom refuses, the error is a *wecom.Error.
type Recaller interface {
	Recall(ctx context.Context, app, id string) (tasks.Record, error)
}

// Replayer sends a dead letter again, as one new message for each part that failed.
type Replayer interface {
	Replay(ctx context.Context, app, id string) ([]Replay, error)
}

// CardUpdater enqueues the update of a card that was sent. [ErrConflict] means that it can no longer be changed,
// or not yet.
type CardUpdater interface {
	UpdateCard(ctx context.Context, app, id string, update message.UpdateTemplateCardRequest) (tasks.Receipt, error)
}

// Replay is a message that was sent again, and its new message.
type Replay struct {
	ID         string `json:"id" doc:"Of the message, or part, that failed"`
	ReplayedAs string `json:"replayed_as" doc:"Of the message that takes its place"`
	Recipients int    `json:"recipients" doc:"Those who did not get the first one"`
	Duplicate  bool   `json:"duplicate" doc:"It had been replayed before; nothing was done"`
	Warning    string `json:"warning,omitempty" doc:"Says so when WeCom may have taken the first one"`
}

// Broadcasts provides the broadcasts of all apps.
type Broadcasts interface {
	// Broadcasts returns those of an app.
	Broadcasts(app string) (*broadcast.Desk, error)
}

// Sessions records which sessions were closed before they expired.
type Sessions interface {
	// End ends a session on all gateways; left is its remaining life.
	End(ctx context.Context, id string, left time.Duration) error
	// Ended reports whether a session was closed.
	Ended(ctx context.Context, id string) (bool, error)
}

// AppLister reports the state of all apps.
type AppLister interface {
	Apps(ctx context.Context) ([]AppStatus, error)
}

// MediaKeeper stores the files of messages.
type MediaKeeper interface {
	// Keep checks a file against WeCom's limits and stores it. A fault of the file is a *message.ValidationError.
	Keep(ctx context.Context, app string, kind wecom.MediaType, name string, content []byte) (message.MediaRef, error)
	// Resolve ensures that all files of a message are stored; files given by URL are downloaded.
	Resolve(ctx context.Context, app string, m tasks.Message) (tasks.Message, error)
}

// AppStatus is the state of an app.
type AppStatus = apps.Status

// WeCom is WeCom's API for one app. [*wecom.Client] implements it.
type WeCom interface {
	Post(ctx context.Context, api string, body []byte, reply any) error
	UploadMedia(ctx context.Context, kind wecom.MediaType, filename string, content []byte) (*wecom.Media, error)
}
