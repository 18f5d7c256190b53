package gateway

import (
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"
)

// olderDocument is the document as OpenAPI 3.0, which many client generators need. huma leaves in some elements
// that 3.0 does not have; they are dropped.
func olderDocument(document *huma.OpenAPI) ([]byte, error) {
	text, err := document.Downgrade()
	if err != nil {
		return nil, fmt.Errorf("encode the OpenAPI document as 3.0: %w", err)
	}
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document of 3.0: %w", err)
	}
	dropNewer(whole)
	return json.Marshal(whole)
}

// dropNewer drops the siblings of references, and media types of schemas.
func dropNewer(part any) {
	switch part := part.(type) {
	case []any:
		for _, item := range part {
			dropNewer(item)
		}
	case map[string]any:
		_, isReference := part["$ref"].(string)
		for name, member := range part {
			_, isText := member.(string)
			if isReference && name != "$ref" || name == "contentMediaType" && isText {
				delete(part, name)
				continue
			}
			dropNewer(member)
		}
	}
}
