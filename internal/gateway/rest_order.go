package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/jsonbound"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/message"
)

const (
	// maxListBytes limits an order with its list; it is enough for about ten million rows.
	maxListBytes = 256 << 20
	// maxCreations is how many broadcasts may be created at once: each list takes about twice its size on disk.
	maxCreations = 4
	// creationTime is the time limit for storing a broadcast.
	creationTime = 10 * time.Minute
)

// orderBounds limit an order's JSON; longer lists are CSV.
var orderBounds = jsonbound.Bounds{Depth: 16, Outer: 64, Members: 1000, Elements: envelope.MaxRecipients}

// The parts of an order sent as a form.
const (
	orderPart = "broadcast"
	listPart  = "recipients"
)

type orderInput struct {
	IdempotencyKey string `header:"Idempotency-Key" doc:"Makes a repeat find the first broadcast. 1 to 255 visible ASCII characters"`
	DryRun         bool   `query:"dry_run" doc:"Check and show it, and store nothing"`

	r *http.Request
	w http.ResponseWriter
}

// Resolve leaves the body to the handler.
func (in *orderInput) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	in.r, in.w = r.WithContext(ctx.Context()), w
	return nil
}

// orderReceipt describes the created broadcast.
type orderReceipt struct {
	broadcast.Status

	Duplicate bool `json:"duplicate" doc:"It was there before; nothing was done"`
}

type orderOutput struct {
	Status int
	Body   any // *orderReceipt or *broadcast.Preview
}

// order serves POST /v1/broadcasts.
func (g *Gateway) order(ctx context.Context, in *orderInput) (*orderOutput, error) {
	select {
	case g.creations <- struct{}{}:
		defer func() { <-g.creations }()
	default:
		return nil, problem.ErrOccupied
	}
	conn := http.NewResponseController(in.w)
	desk, o, draft, err := g.compileOrder(ctx, in)
	_ = conn.SetReadDeadline(time.Time{}) // the writers of some tests support no deadlines
	_ = conn.SetWriteDeadline(time.Now().Add(creationTime + idleTime))
	if err != nil {
		return nil, orderFault(err)
	}
	defer func() { _ = draft.List.Close() }()
	if err := IdentityFrom(ctx).PermitBroadcast(draft.List.Summary.Recipients); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, creationTime)
	defer cancel()
	if o.DryRun {
		preview, err := desk.Preview(ctx, draft)
		return &orderOutput{http.StatusOK, &preview}, broadcastFault(err)
	}
	return place(ctx, desk, draft, o.TestTo)
}

// place creates the broadcast, if WeCom accepts its samples.
func place(ctx context.Context, desk *broadcast.Desk, draft broadcast.Draft, testTo string) (*orderOutput, error) {
	b, duplicate, err := desk.CreateTested(ctx, draft, testTo, nil)
	if err != nil {
		return nil, broadcastFault(err)
	}
	status, err := desk.Tell(ctx, b)
	return &orderOutput{http.StatusAccepted, &orderReceipt{status, duplicate}}, broadcastFault(err)
}

// compileOrder reads and checks the order and its list.
func (g *Gateway) compileOrder(ctx context.Context, in *orderInput) (desk *broadcast.Desk, o *broadcast.Order, draft broadcast.Draft, err error) {
	if err := intake.CheckKind(in.r.Header.Get("Content-Type"), "multipart/form-data"); err != nil {
		return nil, nil, draft, err
	}
	in.r.Body = http.MaxBytesReader(in.w, in.r.Body, maxListBytes)
	body := intake.NewStream(in.w, in.r, intake.List, g.stopping)
	defer body.End()
	form := formOf(in.r, body)
	if o, err = readOrder(in, form); err != nil { //nolint:contextcheck // the request carries it
		return nil, nil, draft, err
	}
	app, err := IdentityFrom(ctx).App(o.App)
	if err != nil {
		return nil, nil, draft, err
	}
	if desk, err = g.desk(ctx, app); err != nil {
		return nil, nil, draft, err
	}
	list, err := nextPart(form, listPart)
	if err != nil {
		return nil, nil, draft, err
	}
	draft, err = desk.Compile(ctx, o, list, IdentityFrom(ctx).Name())
	if err == nil {
		err = endOf(form, draft)
	}
	return desk, o, draft, err
}

// formOf returns the parts of a form, nil for a body that is not one.
func formOf(r *http.Request, body io.Reader) *multipart.Reader {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || parameters["boundary"] == "" {
		return nil
	}
	return multipart.NewReader(body, parameters["boundary"])
}

// readOrder reads the order itself.
func readOrder(in *orderInput, form *multipart.Reader) (*broadcast.Order, error) {
	data, err := orderData(in, form)
	if err != nil {
		return nil, err
	}
	data = textfile.TrimMark(data)
	if err := intake.Bound(in.r.Context(), data, orderBounds); err != nil {
		return nil, err
	}
	o, err := broadcast.ReadOrder(data)
	if err != nil {
		return nil, malformed(err)
	}
	if own := o.IdempotencyKey; in.IdempotencyKey != "" && own != "" && own != in.IdempotencyKey {
		return nil, invalid("idempotency_key", "differs from the header Idempotency-Key; set one of them")
	}
	if in.IdempotencyKey != "" {
		o.IdempotencyKey = in.IdempotencyKey
	}
	o.DryRun = o.DryRun || in.DryRun
	if o.IdempotencyKey == "" {
		return o, nil
	}
	return o, envelope.ValidateKey(o.IdempotencyKey)
}

// orderData is the JSON of the order, which is read into memory.
func orderData(in *orderInput, form *multipart.Reader) ([]byte, error) {
	if form == nil {
		return intake.Read(in.w, in.r, message.MaxBodyBytes, intake.Whole)
	}
	part, err := nextPart(form, orderPart)
	if err != nil {
		return nil, err
	}
	if part == nil {
		return nil, fmt.Errorf("%w: the form has no part %q", problem.ErrMalformed, orderPart)
	}
	data, err := io.ReadAll(io.LimitReader(part, message.MaxBodyBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > message.MaxBodyBytes:
		return nil, fmt.Errorf("%w: the part %q has over %d bytes", problem.ErrTooLarge, orderPart, message.MaxBodyBytes)
	}
	return data, intake.AccountOf(in.r.Context()).Take(int64(len(data)))
}

// nextPart is the next part of the form, which must have this name; nil after the last, and if there is no form.
func nextPart(form *multipart.Reader, name string) (io.Reader, error) {
	if form == nil {
		return nil, nil //nolint:nilnil // no list is not an error
	}
	part, err := form.NextRawPart()
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil //nolint:nilnil // likewise
	case err != nil:
		return nil, err
	case part.FormName() != name:
		return nil, fmt.Errorf("%w: the part %q stands where %q should: send %q and then %q",
			problem.ErrMalformed, part.FormName(), name, orderPart, listPart)
	}
	return part, nil
}

// endOf checks that nothing follows the list. On an error it closes the draft.
func endOf(form *multipart.Reader, draft broadcast.Draft) error {
	if form == nil {
		return nil
	}
	_, err := form.NextRawPart()
	if errors.Is(err, io.EOF) {
		return nil
	}
	_ = draft.List.Close()
	if err == nil {
		err = fmt.Errorf("%w: a part follows the list, which is the last", problem.ErrMalformed)
	}
	return err
}

// orderFault returns the error for a body that could not be read.
func orderFault(err error) error {
	switch {
	case intake.OverLimit(err):
		return fmt.Errorf("%w: over %d bytes", problem.ErrTooLarge, maxListBytes)
	case problem.Status(err) != http.StatusInternalServerError:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, multipart.ErrMessageTooLarge):
		return fmt.Errorf("%w: the body broke off: %w", problem.ErrMalformed, err)
	}
	return err
}

// orderType is the type of the JSON of an order.
var orderType = reflect.TypeFor[broadcast.Order]()

func (g *Gateway) registerOrder(api huma.API) {
	order := api.OpenAPI().Components.Schemas.Schema(orderType, true, "Order")
	form := &huma.Schema{Type: huma.TypeObject, Required: []string{orderPart}, Properties: map[string]*huma.Schema{
		orderPart: order, listPart: {Type: huma.TypeString, Format: "binary", Description: "The list: CSV, after the part broadcast"},
	}}
	operation(g, api, huma.Operation{
		OperationID: "create-broadcast", Method: http.MethodPost, Path: "/v1/broadcasts", DefaultStatus: http.StatusAccepted,
		Summary: "Create a broadcast of a message or a template to a list of recipients", Tags: []string{"broadcasts"},
		Description: "202 means that all of it is in Redis; nothing is sent before that, except to test_to. A list with a problem is refused with 422: rows has line, column and reason. " +
			"Repeat a request that was interrupted: it continues where it stopped. With dry_run the answer is 200 and what it would become.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"multipart/form-data": {Schema: form}, "application/json": {Schema: order},
		}},
		Responses: map[string]*huma.Response{
			"200": answer[broadcast.Preview](api, "What it would become, with dry_run"), "202": answer[orderReceipt](api, "It was created"),
		},
		Errors: []int{400, 401, 403, 408, 409, 413, 415, 422, 429, 503, 504},
	}, config.ScopeSend, g.order)
}
