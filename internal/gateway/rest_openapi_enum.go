package gateway

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// registerEnums adds the values of enums from other packages, which do not import huma, to the document.
func registerEnums(schemas huma.Registry) {
	schemas.RegisterTypeAlias(reflect.TypeFor[tasks.State](), reflect.TypeFor[messageState]())
	schemas.RegisterTypeAlias(reflect.TypeFor[tasks.Priority](), reflect.TypeFor[messagePriority]())
	schemas.RegisterTypeAlias(reflect.TypeFor[broadcast.State](), reflect.TypeFor[broadcastState]())
	schemas.RegisterTypeAlias(reflect.TypeFor[wecom.MediaType](), reflect.TypeFor[mediaType]())
}

type (
	messageState    string
	messagePriority string
	broadcastState  string
	mediaType       string
)

// Schema implements [huma.SchemaProvider], as do the others.
func (messageState) Schema(huma.Registry) *huma.Schema { return enumSchema(tasks.States()) }

func (messagePriority) Schema(huma.Registry) *huma.Schema { return enumSchema(tasks.Priorities()) }

func (broadcastState) Schema(huma.Registry) *huma.Schema { return enumSchema(broadcast.States()) }

func (mediaType) Schema(huma.Registry) *huma.Schema {
	return enumSchema([]wecom.MediaType{wecom.MediaImage, wecom.MediaVoice, wecom.MediaVideo, wecom.MediaFile})
}

func enumSchema[T ~string](values []T) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: enumOf(values)}
}

func enumOf[T ~string](values []T) []any {
	all := make([]any, len(values))
	for i, value := range values {
		all[i] = string(value)
	}
	return all
}
