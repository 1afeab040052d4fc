use serde_json::Value;

use super::*;
use crate::testing::declarations;

#[test]
fn the_schema_knows_every_option() {
    let schema: Value = serde_json::from_str(&json_schema(&declarations())).unwrap();
    let at = |path: &str| schema.pointer(path).unwrap_or(&Value::Null).clone();
    assert_eq!(schema["properties"].as_object().unwrap().len(), 177);
    assert_eq!(schema["required"], json!(["hosts"]));
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(at("/properties/modules/properties").as_object().unwrap().len(), 70);
    assert_eq!(at("/properties/listen/items/oneOf").as_array().unwrap().len(), 9);
    let module = "/properties/modules/properties";
    assert_eq!(
        at(&format!("{module}/mod_stream_mgmt/properties/max_ack_queue/anyOf/0/anyOf/0")),
        json!({ "type": "integer", "minimum": 1 })
    );
    assert_eq!(at(&format!("{module}/mod_stream_mgmt/description")), json!("Stream management."));
    assert_eq!(
        at(&format!("{module}/mod_ping/properties/send_pings/description")),
        json!("Not supported yet. ")
    );
    assert_eq!(
        at(&format!("{module}/mod_register/properties/welcome_message/properties/subject")),
        json!({ "type": "string" })
    );
    assert!(at("/properties/host_config/additionalProperties/properties/listen").is_null());
    assert!(at("/properties/host_config/additionalProperties/properties/language").is_object());
}
