"""What the ingest service's public source says of each entity: v2_ingestor/index.js and src/ of 2025-11-03."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ingest.entity import REFERENCE_PREFIX, TABLE_PREFIX

FIRST_LOOKBACK = timedelta(days=7)
"""How far the first incremental sync of an entity looks back."""

BREAKER_FAILURES = 5
BREAKER_PAUSE = timedelta(seconds=60)
"""After so many failures in a row, of whatever entities, every call fails until the pause is over."""

PUBLIC_REFERENCE_PATH = "/ingest-ref"

LOG_COLUMNS = """
entity_type:STRING! run_id:STRING! start_time:TIMESTAMP! end_time:TIMESTAMP status:STRING! records_fetched:INT64
records_inserted:INT64 duration_ms:INT64 error_message:STRING metadata:JSON
"""

SYNC_STATE = "sync_state"
SYNC_COLUMNS = """
entity_type:STRING! last_sync_time:TIMESTAMP! last_sync_status:STRING records_processed:INT64 updated_at:TIMESTAMP!
"""

_DEFAULT_COLUMNS = (
    "id:INT64! createdOn:TIMESTAMP modifiedOn:TIMESTAMP _ingested_at:TIMESTAMP! _ingestion_source:STRING!"
)


@dataclass(frozen=True)
class Column:
    """`type` is BigQuery's name of it in SQL, such as INT64."""

    name: str
    type: str
    required: bool


def columns(text: str) -> list[Column]:
    """Of `name:TYPE` and, where the column is REQUIRED, `name:TYPE!`."""
    parts = [[*word.rstrip("!").split(":"), word[-1]] for word in text.split()]
    return [Column(name, kind, last == "!") for name, kind, last in parts]


@dataclass(frozen=True)
class Served:
    """An entity that the service can ingest.

    `endpoint` is what its circuit breaker calls ServiceTitan's resource, `column_text` the table's columns as `columns`
    reads them, `key` the column with ServiceTitan's own id. Where that is not `id`, the service makes `id` a hash
    that includes the record's place in the answer. `lookback` is how far an incremental sync goes back behind the
    cursor; one with a `window` asks for that long back from now instead, whatever the cursor.
    """

    name: str
    endpoint: str = ""
    column_text: str = _DEFAULT_COLUMNS
    key: str = "id"
    lookback: timedelta = timedelta(0)
    window: timedelta | None = None
    is_reference: bool = False

    @property
    def table_name(self) -> str:
        return f"{REFERENCE_PREFIX if self.is_reference else TABLE_PREFIX}{self.name}"

    @property
    def state_name(self) -> str:
        """What sync_state calls it."""
        return f"ref_{self.name}" if self.is_reference else self.name

    @property
    def source(self) -> str:
        """The value of _ingestion_source."""
        if self.endpoint.startswith("report-"):
            return "servicetitan_reporting_api"
        return "servicetitan_v2_ref" if self.is_reference else "servicetitan_v2"


ENTITIES = (
    Served(
        "jobs",
        "jpm/v2/tenant/{tenant}/jobs",
        """
        id:INT64! jobNumber:STRING projectId:INT64 customerId:INT64 locationId:INT64 jobStatus:STRING
        completedOn:TIMESTAMP businessUnitId:INT64 jobTypeId:INT64 priority:STRING campaignId:INT64
        summary:STRING customFields:JSON createdOn:TIMESTAMP createdById:INT64 modifiedOn:TIMESTAMP
        tagTypeIds:JSON leadCallId:INT64 bookingId:INT64 soldById:INT64 _ingested_at:TIMESTAMP!
        _ingestion_source:STRING!
        """,
        lookback=timedelta(days=7),
    ),
    Served(
        "invoices",
        "accounting/v2/tenant/{tenant}/invoices",
        """
        id:INT64! syncStatus:STRING summary:STRING referenceNumber:STRING invoiceDate:TIMESTAMP dueDate:TIMESTAMP
        subTotal:FLOAT64 salesTax:FLOAT64 total:FLOAT64 balance:FLOAT64 invoiceTypeId:INT64 jobId:INT64
        projectId:INT64 businessUnitId:INT64 locationId:INT64 customerId:INT64 depositedOn:TIMESTAMP
        createdOn:TIMESTAMP modifiedOn:TIMESTAMP adjustmentToId:INT64 status:STRING employeeId:INT64
        commissionEligibilityDate:TIMESTAMP items:JSON customFields:JSON _ingested_at:TIMESTAMP!
        _ingestion_source:STRING!
        """,
    ),
    Served(
        "estimates",
        "sales/v2/tenant/{tenant}/estimates",
        """
        id:INT64! jobId:INT64 projectId:INT64 locationId:INT64 customerId:INT64 name:STRING jobNumber:STRING
        status:STRING summary:STRING createdOn:TIMESTAMP modifiedOn:TIMESTAMP soldOn:TIMESTAMP soldById:INT64
        estimateNumber:STRING businessUnitId:INT64 subtotal:FLOAT64 totalTax:FLOAT64 total:FLOAT64
        _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
        lookback=timedelta(days=180),
    ),
    Served(
        "payments",
        "accounting/v2/tenant/{tenant}/payments",
        """
        id:INT64! invoiceId:INT64 amount:FLOAT64 paymentTypeId:INT64 status:STRING memo:STRING
        referenceNumber:STRING unappliedAmount:FLOAT64 businessUnitId:INT64 batchId:INT64 createdOn:TIMESTAMP
        modifiedOn:TIMESTAMP _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
    ),
    Served(
        "payroll",
        "payroll/v2/tenant/{tenant}/gross-pay-items",
        """
        id:INT64! payrollId:INT64 employeeId:INT64 employeeType:STRING businessUnitName:STRING date:TIMESTAMP
        activity:STRING amount:FLOAT64 paidDurationHours:FLOAT64 paidTimeType:STRING jobId:INT64 jobNumber:STRING
        invoiceId:INT64 invoiceNumber:STRING customerId:INT64 locationId:INT64 sourceEntityId:INT64
        createdOn:TIMESTAMP modifiedOn:TIMESTAMP _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
    ),
    Served(
        "payroll_adjustments",
        "payroll/v2/tenant/{tenant}/payroll-adjustments",
        """
        id:INT64! adjustment_id:INT64 employeeId:INT64 employeeType:STRING postedOn:TIMESTAMP amount:FLOAT64
        memo:STRING activityCodeId:INT64 invoiceId:INT64 hours:FLOAT64 rate:FLOAT64 createdOn:TIMESTAMP
        modifiedOn:TIMESTAMP active:BOOL _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
        key="adjustment_id",
    ),
    Served(
        "customers",
        "crm/v2/tenant/{tenant}/customers",
        """
        id:INT64! active:BOOL name:STRING type:STRING address:JSON email:STRING phoneNumber:STRING
        balance:FLOAT64 customFields:JSON createdOn:TIMESTAMP createdById:INT64 modifiedOn:TIMESTAMP
        mergedToId:INT64 _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
    ),
    Served(
        "locations",
        "crm/v2/tenant/{tenant}/locations",
        """
        id:INT64! customerId:INT64 active:BOOL name:STRING address:JSON taxZoneId:INT64 zoneId:INT64
        createdOn:TIMESTAMP modifiedOn:TIMESTAMP customFields:JSON _ingested_at:TIMESTAMP!
        _ingestion_source:STRING!
        """,
    ),
    Served(
        "campaigns",
        "marketing/v2/tenant/{tenant}/campaigns",
        """
        id:INT64! active:BOOL name:STRING categoryId:INT64 category:STRING createdOn:TIMESTAMP
        modifiedOn:TIMESTAMP _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
    ),
    Served(
        "appointments",
        "jpm/v2/tenant/{tenant}/appointments",
        """
        id:INT64! jobId:INT64 appointmentNumber:STRING scheduledStart:TIMESTAMP scheduledEnd:TIMESTAMP
        arrivalWindowStart:TIMESTAMP arrivalWindowEnd:TIMESTAMP status:STRING specialInstructions:STRING
        createdOn:TIMESTAMP modifiedOn:TIMESTAMP customerId:INT64 customerMemoId:INT64 leadCallId:INT64
        bookingProviderId:INT64 createdById:INT64 modifiedById:INT64 unused:BOOL isConfirmed:BOOL
        assignedTechnicianIds:JSON _ingested_at:TIMESTAMP _ingestion_source:STRING
        """,
    ),
    Served(
        "purchase_orders",
        "inventory/v2/tenant/{tenant}/purchase-orders",
        """
        id:INT64! purchaseOrderId:INT64 number:STRING syncStatus:STRING status:STRING vendorId:INT64
        vendorName:STRING jobId:INT64 jobNumber:STRING businessUnitId:INT64 date:TIMESTAMP requiredOn:TIMESTAMP
        sentOn:TIMESTAMP receivedOn:TIMESTAMP total:FLOAT64 tax:FLOAT64 shipping:FLOAT64 discount:FLOAT64
        subTotal:FLOAT64 items:JSON memo:STRING shipToAddress:JSON customFields:JSON createdOn:TIMESTAMP
        modifiedOn:TIMESTAMP _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
        key="purchaseOrderId",
    ),
    Served(
        "returns",
        "inventory/v2/tenant/{tenant}/returns",
        """
        id:INT64! returnId:INT64 number:STRING syncStatus:STRING status:STRING vendorId:INT64 vendorName:STRING
        jobId:INT64 jobNumber:STRING businessUnitId:INT64 returnDate:TIMESTAMP total:FLOAT64 tax:FLOAT64
        shipping:FLOAT64 subTotal:FLOAT64 items:JSON memo:STRING purchaseOrderId:INT64 purchaseOrderNumber:STRING
        customFields:JSON createdOn:TIMESTAMP modifiedOn:TIMESTAMP _ingested_at:TIMESTAMP!
        _ingestion_source:STRING!
        """,
        key="returnId",
    ),
    Served(
        "inventory_bills",
        "accounting/v2/tenant/{tenant}/inventory-bills",
        """
        id:INT64! inventoryBillId:INT64 purchaseOrderId:INT64 syncStatus:STRING referenceNumber:STRING
        vendorId:INT64 vendorNumber:STRING vendorName:STRING jobId:INT64 jobNumber:STRING businessUnitId:INT64
        businessUnitName:STRING summary:STRING billDate:TIMESTAMP dueDate:TIMESTAMP billAmount:FLOAT64
        taxAmount:FLOAT64 shippingAmount:FLOAT64 total:FLOAT64 termName:STRING shipToDescription:STRING
        shipTo:JSON batch:JSON taxZone:JSON items:JSON customFields:JSON createdBy:STRING createdOn:TIMESTAMP
        modifiedOn:TIMESTAMP active:BOOL _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
        key="inventoryBillId",
    ),
    Served(
        "collections",
        "report-26117979",
        """
        id:STRING! business_unit:STRING payment_date:TIMESTAMP amount:FLOAT64 job_id:INT64
        _ingested_at:TIMESTAMP! _ingestion_source:STRING! raw:JSON
        """,
        window=timedelta(days=30),
    ),
    Served(
        "business_units",
        "settings/v2/tenant/{tenant}/business-units",
        """
        id:INT64! name:STRING active:BOOL officialName:STRING phoneNumber:STRING email:STRING address:JSON
        timezone:STRING _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
        is_reference=True,
    ),
    Served(
        "technicians",
        "settings/v2/tenant/{tenant}/technicians",
        """
        id:INT64! name:STRING active:BOOL businessUnitId:INT64 businessUnitName:STRING email:STRING
        phoneNumber:STRING employeeId:INT64 role:STRING team:STRING modifiedOn:TIMESTAMP _ingested_at:TIMESTAMP!
        _ingestion_source:STRING!
        """,
        is_reference=True,
    ),
    Served(
        "activity_codes",
        "settings/v2/tenant/{tenant}/activity-codes",
        """
        id:INT64! name:STRING active:BOOL description:STRING code:STRING isPaid:BOOL modifiedOn:TIMESTAMP
        _ingested_at:TIMESTAMP! _ingestion_source:STRING!
        """,
        is_reference=True,
    ),
)
"""In the order in which the service lists them."""

SERVED = {entity.name: entity for entity in ENTITIES}
