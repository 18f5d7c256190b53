package activity

import "context"

// recorderKey is the context key of who acts, and where it is recorded.
type recorderKey struct{}

type recorder struct {
	trail *Trail
	actor Actor
}

// By returns a context whose acts are recorded as those of an actor.
func (t *Trail) By(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, recorderKey{}, recorder{t, actor})
}

// Named returns a context whose actor is known by a name from now on.
func Named(ctx context.Context, name string) context.Context {
	r, ok := ctx.Value(recorderKey{}).(recorder)
	if !ok {
		return ctx
	}
	r.actor.Name = name
	return context.WithValue(ctx, recorderKey{}, r)
}

// Name is the name of the actor of ctx, "" without one.
func Name(ctx context.Context) string {
	r, _ := ctx.Value(recorderKey{}).(recorder)
	return r.actor.Name
}

// Record records what the actor of ctx has done to a target of an app, either of which may
// be "", and that it failed with err. Nothing is recorded of what nobody asked for: a
// context without an actor is that of a worker.
//
// What is done cannot be undone if the trail cannot be written: then the log has it.
func Record(ctx context.Context, action Action, app, target string, err error) {
	r, ok := ctx.Value(recorderKey{}).(recorder)
	if !ok {
		return
	}
	act := Act{Actor: r.actor.Name, Via: r.actor.Via, From: r.actor.From, Action: action, App: app, Target: target}
	if err != nil {
		act.Error = err.Error()
	}
	r.trail.write(ctx, act)
}
