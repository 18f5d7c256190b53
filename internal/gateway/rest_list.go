package gateway

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/tasks"
)

// listLooked is how many messages one request reads at most.
const listLooked = 2000

type messagesInput struct {
	App            string        `query:"app" maxLength:"32" doc:"Only messages of this app; without it, of all apps of the token"`
	States         []tasks.State `query:"state" maxItems:"10" doc:"Only messages in one of these states"`
	ErrCode        optionalInt   `query:"errcode" doc:"Only messages whose last attempt had this errcode of WeCom"`
	Recipient      string        `query:"recipient" maxLength:"64" doc:"Only messages that name this userid, department or tag" example:"zhangsan"`
	Since          string        `query:"since" maxLength:"40" doc:"Only what has changed since: RFC 3339, or an age such as 90m" example:"2026-01-02T15:04:05+08:00"`
	MsgID          string        `query:"msgid" maxLength:"512" doc:"Only the message that WeCom gave this msgid"`
	IdempotencyKey string        `query:"idempotency_key" maxLength:"255" doc:"Only the message that this token has sent with this key"`
	Limit          int           `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"Maximum number of messages"`
	Lang           string        `query:"lang" doc:"Language of errors: en or zh; Accept-Language does the same"`
	Cursor         string        `query:"cursor" maxLength:"256" doc:"next of the answer before, with the same conditions"`

	since  time.Time
	cursor lookup.Cursor
}

// Resolve parses what huma cannot.
func (in *messagesInput) Resolve(huma.Context) []error {
	var faults []error
	var err error
	if in.since, err = lookup.Moment(in.Since, time.Now()); err != nil {
		faults = append(faults, &huma.ErrorDetail{Location: "query.since", Message: err.Error()})
	}
	if in.cursor, err = lookup.ParseCursor(in.Cursor); err != nil {
		faults = append(faults, &huma.ErrorDetail{Location: "query.cursor", Message: err.Error()})
	}
	return faults
}

// optionalInt is a number that may be absent; 0 counts as present.
type optionalInt struct {
	Value int64
	given bool
}

// Schema implements [huma.SchemaProvider].
func (optionalInt) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[int64]())
}

// Receiver implements [huma.ParamWrapper].
func (n *optionalInt) Receiver() reflect.Value { return reflect.ValueOf(n).Elem().Field(0) }

// OnParamSet implements [huma.ParamReactor].
func (n *optionalInt) OnParamSet(given bool, _ any) { n.given = given }

func (n *optionalInt) pointer() *int64 {
	if !n.given {
		return nil
	}
	return &n.Value
}

type messagesOutput struct {
	Body struct {
		Messages []tasks.Record `json:"messages" nullable:"false" doc:"First those without an attempt, then the others, the last change first"`
		Next     string         `json:"next,omitempty" doc:"The cursor of the next answer, which may have no message and another next; without it the list ends here"`
	}
}

// list serves GET /v1/messages.
func (g *Gateway) list(ctx context.Context, in *messagesInput) (*messagesOutput, error) {
	if g.services.Searcher == nil {
		return nil, fmt.Errorf("listing is %w", problem.ErrNotThere)
	}
	identity := IdentityFrom(ctx)
	apps := identity.Apps()
	if in.App != "" {
		app, err := identity.App(in.App)
		if err != nil {
			return nil, err
		}
		requestInfoFrom(ctx).app = app.Name
		apps = []string{app.Name}
	}
	ctx, cancel := detached(ctx, storeTime)
	defer cancel()
	page, err := g.services.Searcher.Search(ctx, apps, lookup.Query{
		Query: ledger.Query{Since: in.since, States: in.States, ErrCode: in.ErrCode.pointer(), Recipient: in.Recipient},
		Index: ledger.All, MsgID: in.MsgID, Key: in.IdempotencyKey, KeyOwner: identity.Name(),
		Cursor: in.cursor, Limit: in.Limit, Look: listLooked,
	})
	if err != nil {
		return nil, err
	}
	output := &messagesOutput{}
	output.Body.Messages, output.Body.Next = page.Records, page.Next.String()
	if output.Body.Messages == nil {
		output.Body.Messages = []tasks.Record{}
	}
	return output, nil
}

func (g *Gateway) registerList(api huma.API) {
	operation(g, api, huma.Operation{
		OperationID: "list-messages", Method: http.MethodGet, Path: "/v1/messages",
		Summary: "List messages by app, state, errcode, recipient, time, msgid or key", Tags: []string{"messages"},
		Description: "Continue with cursor=next until there is no next. A message that was split has a record for each part; " +
			"looked up by msgid or key it is whole. What changes meanwhile has moved to the front: it may come twice, or be missed until the list is asked for again.",
		RejectUnknownQueryParameters: true,
		Errors:                       []int{401, 403, 422, 503},
	}, config.ScopeRead, g.list)
}
