package pages

import (
	"context"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/operator"
)

// App is an app on the pages; all fields are required.
type App struct {
	Name     string
	AgentID  string
	Finder   *lookup.Finder
	Records  Records
	Operator Operator

	Broadcasts *broadcast.Desk
}

// States inspects, pauses and resumes apps; [*apps.Inspector] implements it.
type States interface {
	Statuses(ctx context.Context, apps ...string) ([]apps.Status, error)
	Pause(ctx context.Context, app string) error
	Resume(ctx context.Context, app string) error
}

// Records searches the records of an app; [*ledger.Ledger] implements it.
type Records interface {
	Newest(ctx context.Context, q ledger.Query, b ledger.Bounds) (ledger.Newest, error)
}

// Operator cancels, recalls and replays messages; [*operator.Operator] implements it.
type Operator interface {
	Replay(ctx context.Context, id string) ([]operator.Replay, error)
	ReplayAll(ctx context.Context, query ledger.Query, each func(operator.Replay, error) (more bool)) error
	Recall(ctx context.Context, id string) (operator.Recall, error)
	Cancel(ctx context.Context, id string) (operator.Recall, error)
}
