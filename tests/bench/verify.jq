# The verdict of `egress-verify --accept-status` for cards whose status has the condition
# SignatureVerified, as bench_log writes them. For: jq -c -f verify.jq
def condition: [.status.conditions[] | select(.type == "SignatureVerified")];
def verdict:
	(.metadata.generation) as $generation
	| if .status.observedGeneration != null and .status.observedGeneration < $generation then
		{verified: false, reason: "NotAccepted",
		 message: "observedGeneration of the status speaks of an earlier generation of the card"}
	  elif condition | all(.status == "True") | not then
		{verified: false, reason: "NotAccepted",
		 message: "the condition SignatureVerified of the status is not true"}
	  elif condition | any(.observedGeneration != null and .observedGeneration < $generation) then
		{verified: false, reason: "NotAccepted",
		 message: "the condition SignatureVerified of the status speaks of an earlier generation of the card"}
	  else
		{verified: true, reason: "Verified",
		 message: "the condition SignatureVerified of the status is true",
		 spiffeID: .status.signatureSpiffeId, keyID: .status.signatureKeyId}
	  end
	| .source = "status";
if .object.kind == "AgentCard" and .type != "BOOKMARK" then
	.verification = (.object | verdict)
else . end
