
$
"
 
GET /orders/{id}1ýÿÿÿÿÿÿÿÿ