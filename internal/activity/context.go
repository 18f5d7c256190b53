package activity

import "context"

// recorderKey is the context key of the actor and the trail.
type recorderKey struct{}

type recorder struct {
	trail *Trail
	actor Actor
}

// By returns a context whose acts are recorded under an actor.
func (t *Trail) By(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, recorderKey{}, recorder{t, actor})
}

// Named returns a context whose actor has this name.
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

// Record records what the actor of ctx has done to a target of an app, either of which may be "", and the
// error if it failed. Without an actor, as in a worker, nothing is recorded.
//
// If the trail cannot be written, the act is not undone: the log has it.
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
