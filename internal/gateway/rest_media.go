package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

type mediaInput struct {
	Type wecom.MediaType `query:"type" required:"true" enum:"image,voice,video,file" doc:"What WeCom takes it for: image (JPG or PNG, at most 10 MB), voice (AMR, at most 2 MB and 60 s), video (MP4, at most 10 MB), file (at most 20 MB)"`
	App  string          `query:"app" maxLength:"32" doc:"Which app sends it; may be left out if the token has one"`
	Name string          `query:"name" maxLength:"255" doc:"Of a file, which members see; a form brings its own" example:"report.pdf"`

	r *http.Request
	w http.ResponseWriter
}

// Resolve keeps the request: its body is read when there is room in memory.
func (in *mediaInput) Resolve(ctx huma.Context) []error {
	in.r, in.w = humago.Unwrap(ctx)
	return nil
}

type mediaOutput struct{ Body Media }

// Media is a stored file.
type Media struct {
	Media string          `json:"media" doc:"Use this as a media_id" example:"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Type  wecom.MediaType `json:"type"`
	Bytes int             `json:"bytes"`
}

// keepMedia serves POST /v1/media.
func (g *Gateway) keepMedia(ctx context.Context, in *mediaInput) (*mediaOutput, error) {
	if g.services.Media == nil {
		return nil, fmt.Errorf("files are %w", problem.ErrNotThere)
	}
	app, err := IdentityFrom(ctx).App(in.App)
	if err != nil {
		return nil, err
	}
	requestInfoFrom(ctx).app = app.Name
	release, err := g.takeUpload(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	name, content, err := in.read()
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = in.Name
	}
	ctx, cancel := detached(ctx, wecomTime)
	defer cancel()
	ref, err := g.services.Media.Keep(ctx, app.Name, in.Type, name, content)
	if err != nil {
		return nil, err
	}
	return &mediaOutput{Media{Media: ref.String(), Type: in.Type, Bytes: len(content)}}, nil
}

// takeUpload waits for a slot within the token's share of [maxUploads].
func (g *Gateway) takeUpload(ctx context.Context) (release func(), err error) {
	owner := IdentityFrom(ctx).Name()
	if !g.uploads.Await(ctx, owner, 1) {
		return nil, problem.ErrBusy
	}
	return func() { g.uploads.Give(owner, 1) }, nil
}

// takeStream takes a slot within the token's share of [maxStreams].
func (g *Gateway) takeStream(ctx context.Context) (release func(), err error) {
	owner := IdentityFrom(ctx).Name()
	if !g.streams.Take(owner, 1) {
		return nil, problem.ErrBusy
	}
	return func() { g.streams.Give(owner, 1) }, nil
}

// read reads the file from a form, from its first part named media, or from a body that is the file itself.
func (in *mediaInput) read() (name string, content []byte, err error) {
	if kind, _, _ := mime.ParseMediaType(in.r.Header.Get("Content-Type")); strings.HasPrefix(kind, "multipart/") {
		name, content, err = formFile(in.w, in.r)
	} else {
		content, err = io.ReadAll(fileBody(in.w, in.r))
	}
	switch {
	case err == nil:
		return name, content, nil
	case errors.Is(err, io.EOF):
		return "", nil, fmt.Errorf("%w: the form has no part named media", problem.ErrMalformed)
	case intake.OverLimit(err):
		return "", nil, fmt.Errorf("%w: the file has %w", problem.ErrTooLarge, wecom.MediaFile.TooLarge())
	case errors.Is(err, problem.ErrSlow):
		return "", nil, err
	}
	return "", nil, fmt.Errorf("%w: the file broke off", problem.ErrMalformed)
}

// prepare records who sends a message, checks that the token may send it, and ensures that its files exist. Most
// messages have none.
func (g *Gateway) prepare(ctx context.Context, app App, m tasks.Message) (tasks.Message, error) {
	identity := IdentityFrom(ctx)
	if err := identity.Permit(m); err != nil {
		return m, err
	}
	m.Options.Actor, m.Options.KeyOwner = identity.Name(), identity.Name()
	if g.services.Media == nil || !namesFiles(m.Request) {
		return m, nil
	}
	release, err := g.takeUpload(ctx)
	if err != nil {
		return m, err
	}
	defer release()
	return g.services.Media.Resolve(ctx, app.Name, m)
}

// namesFiles reports whether there is a media_id that is not WeCom's: WeCom's have no colon.
func namesFiles(request message.Request) bool {
	found := false
	_, _ = message.MapMedia(request, func(_ string, _ wecom.MediaType, id string) (string, error) {
		found = found || strings.Contains(id, ":")
		return id, nil
	})
	return found
}

func (g *Gateway) registerMedia(api huma.API) {
	file := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	form := &huma.MediaType{Schema: &huma.Schema{
		Type: huma.TypeObject, Properties: map[string]*huma.Schema{"media": {Type: huma.TypeString, Format: "binary"}}, Required: []string{"media"},
	}}
	operation(g, api, huma.Operation{
		OperationID: "keep-media", Method: http.MethodPost, Path: "/v1/media",
		Summary: "Upload a file for messages", Tags: []string{"media"},
		Description: "The body is the file, or a form with a part named media. A worker uploads it to WeCom with the first message that has it. " +
			"It is kept for as long as records are, after a message needed it last.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": file, "multipart/form-data": form}},
		Errors:      []int{400, 401, 403, 408, 413, 422, 503},
	}, config.ScopeSend, g.keepMedia)
}
